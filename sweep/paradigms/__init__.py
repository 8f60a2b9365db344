"""Learning paradigms: how a trial is divided into labelled phases."""
