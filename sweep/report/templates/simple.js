"use strict";
/* A page that has a few charts and tables, and no switches. */
Plots.start();
Plots.drawAll();
Tables.start();
