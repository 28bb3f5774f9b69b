//go:build tools

// Package tools pins the commands that tests/real builds.
package tools

import (
	_ "sigs.k8s.io/metrics-server/cmd/metrics-server"
)
