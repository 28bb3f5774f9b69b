"""The same contracts against genuine servers: etcd, Kubernetes, kwok and metrics-server."""
