"""Snapshots as Prometheus pages: text, OpenMetrics, protobuf with native histograms."""
