"""Revisions; the newest is what :mod:`litellm_obs_plugin.history.schema` says."""
