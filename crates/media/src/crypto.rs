//! The process's one certificate and crypto set-up; knows no ports.
//!
//! Making a certificate is dear, and so is the configuration of DTLS (see `crypto_dtls`): both are made once and shared.

use std::sync::{Arc, OnceLock};

use str0m::config::{CryptoProvider, DtlsCert, Fingerprint};

use crate::crypto_dtls::SharedConfig;

/// What every port of the process shares.
pub struct Shared {
    pub provider: Arc<CryptoProvider>,
    pub certificate: DtlsCert,
    /// SHA-256 of the certificate, in hex with colons, as `a=fingerprint` has it.
    pub fingerprint: String,
}

/// The shared set-up, made at first use. Panics only where the crypto library cannot make a key.
pub fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let provider = CryptoProvider { dtls_provider: &SharedConfig, ..str0m_aws_lc_rs::default_provider() };
        let certificate = provider.dtls_provider.generate_certificate().expect("the crypto library makes certificates");
        let digest = provider.sha256_provider.sha256(&certificate.certificate);
        let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        Shared { provider: Arc::new(provider), certificate, fingerprint: hex.join(":") }
    })
}

/// A SHA-256 fingerprint as str0m takes it.
pub fn fingerprint(bytes: &[u8]) -> Fingerprint {
    Fingerprint { hash_func: "sha-256".into(), bytes: bytes.to_vec() }
}
