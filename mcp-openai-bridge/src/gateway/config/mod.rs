//! What a `config.yaml` says.
