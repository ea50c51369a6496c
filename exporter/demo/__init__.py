"""A simulated ibl.ai platform: the analytics API of a university that does not exist.

`data` computes what happened, `handlers` turn it into payloads, `endpoints` maps paths to
handlers, `platform` serves them over HTTP, and `faults` makes responses fail on command.
"""
