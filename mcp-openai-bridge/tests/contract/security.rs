//! Security: credentials, certificates, environment, hosts.
