"""The last requests worth a look: slow ones, failed ones, failovers, changes of circuits."""
