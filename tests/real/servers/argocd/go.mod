module shifu-console/tests/real/servers/argocd

go 1.26.0

require github.com/argoproj/argo-cd/v3 v3.2.11
