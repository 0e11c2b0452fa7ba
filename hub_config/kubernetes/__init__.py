"""Files for a Kubernetes cluster: values of Zero to JupyterHub, volumes, network policies, the way in, the check."""
