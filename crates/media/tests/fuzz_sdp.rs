//! Fuzz: whatever text claims to be an SDP is read or refused, never panics, and is read alike twice.

mod fuzzing;

use offhook_media::sdp::{Kind, read};

#[test]
fn any_sdp_is_read_or_refused() {
    fuzzing::fuzz("sdp", |input| {
        let text = String::from_utf8_lossy(input);
        for kind in [Kind::Offer, Kind::Answer] {
            let first = read(&text, kind);
            assert_eq!(first, read(&text, kind));
            if let Err(error) = first {
                assert!(error.line.chars().count() <= 80);
            }
        }
    });
}
