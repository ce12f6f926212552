"""The life cycle of an EMR cluster: check, plan, package, create, submit, watch, fetch, stop."""
