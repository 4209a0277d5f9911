//! DTLS associations that share one configuration; knows no ports and no addresses.
//!
//! str0m's provider for this crypto library builds a configuration for every association, and building one signs and
//! verifies with every curve to test the library: 0.85 ms, more than all the rest of a leg's set-up.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls};
use str0m::DATAGRAM_MTU_TARGET;
use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
};

/// Handshake datagrams that are kept until those before them have come. A flight of a browser takes four at most; each
/// kept one costs some 6 KiB, and a far end that never completes a message may not cost more than 64.
const MAX_WAITING: usize = 8;
/// How long a handshake may take. Longer than the half minute that a call waits for its media after the answer: which of
/// two limits ends a call may not hang on chance, as it would if the retransmissions (1, 2, 4… s, each jittered) ran out
/// at about the same time.
const PATIENCE: Duration = Duration::from_secs(40);
/// Retransmissions of a flight: the last one is due after 31 s, and patience ends before it could be followed by another.
const RETRIES: usize = 5;

/// Makes associations, all with one configuration.
#[derive(Debug)]
pub struct SharedConfig;

/// The configuration of every association of this process, tested once.
fn config() -> Result<Arc<Config>, CryptoError> {
    static CONFIG: OnceLock<Result<Arc<Config>, String>> = OnceLock::new();
    let built = CONFIG.get_or_init(|| {
        // ICE has shown that the far end receives at its address, which is all that a cookie would show.
        let config = Config::builder().use_server_cookie(false).mtu(DATAGRAM_MTU_TARGET).max_queue_rx(MAX_WAITING);
        let config = config.flight_retries(RETRIES).handshake_timeout(PATIENCE).build();
        config.map(Arc::new).map_err(|error| error.to_string())
    });
    built.clone().map_err(CryptoError::Other)
}

impl DtlsProvider for SharedConfig {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        str0m_aws_lc_rs::default_provider().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        _mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let (config, cert) = (config()?, cert.clone());
        let dtls = match version {
            DtlsVersion::Dtls12 => Dtls::new_12(config, cert, now),
            DtlsVersion::Dtls13 => Dtls::new_13(config, cert, now),
            DtlsVersion::Auto => Dtls::new_auto(config, cert, now),
            _ => return Err(CryptoError::Other(format!("no DTLS of version {version}"))),
        };
        Ok(Box::new(Association(dtls)))
    }
}

/// The trait that str0m asks for, over the methods of the same names.
struct Association(Dtls);

impl fmt::Debug for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Association")
    }
}

impl DtlsInstance for Association {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        self.0.poll_output(buf)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}
