"""The core: series in worker files, merged to snapshots. Imports no framework."""
