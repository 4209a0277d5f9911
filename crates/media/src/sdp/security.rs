//! Keys in SDP (RFC 4568): `a=crypto` lines read and written. Encrypts nothing.

use crate::srtp::{Master, Suite};

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// One `a=crypto` line: a key that its side sends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crypto {
    pub tag: u32,
    pub master: Master,
}

/// How media without ICE is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    Clear,
    /// By keys in the SDP. Of an offer all lines that can be taken, in its order; of an answer the one that is.
    Sdes(Vec<Crypto>),
    /// By keys of a DTLS handshake on the same path.
    Dtls,
}

impl Security {
    /// Whether both are protected in the same way, whatever the keys.
    pub const fn is_like(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Clear, Self::Clear) | (Self::Sdes(_), Self::Sdes(_)) | (Self::Dtls, Self::Dtls))
    }
}

impl Crypto {
    /// What follows `a=crypto:`. A line that asks for what we do not do (master key identifiers, several keys, packets
    /// without encryption or authentication) is one that cannot be taken, like one of an unknown suite.
    pub fn read(value: &str) -> Option<Self> {
        let mut fields = value.split(' ').filter(|field| !field.is_empty());
        let tag = fields.next()?.parse().ok()?;
        let suite = Suite::named(fields.next()?)?;
        let mut key = fields.next()?.strip_prefix("inline:")?.split('|');
        let master = Master::new(suite, from_base64(key.next()?)?)?;
        let has_identifier = key.any(|part| part.contains(':'));
        // The window of replays is the receiver's own affair (RFC 4568 section 6.3.7).
        let is_usual = fields.all(|parameter| parameter.starts_with("WSH="));
        (is_usual && !has_identifier).then_some(Self { tag, master })
    }

    /// The whole line, without its end.
    pub fn line(&self) -> String {
        let Self { tag, master } = self;
        format!("a=crypto:{tag} {} inline:{}", master.suite.name(), to_base64(master.material()))
    }
}

fn to_base64(data: &[u8]) -> String {
    let mut text = String::with_capacity(data.len().div_ceil(3) * 4);
    for part in data.chunks(3) {
        let all = part.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        let digit = |at: usize| char::from(LETTERS[(all >> (18 - 6 * at) & 63) as usize]);
        text.extend((0..4).map(|at| if at <= part.len() { digit(at) } else { '=' }));
    }
    text
}

/// `None` where a character is none of the alphabet. Padding may be left out, as some phones do.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text
        .trim_end_matches('=')
        .bytes()
        .map(|letter| LETTERS.iter().position(|known| *known == letter).map(|digit| digit as u32))
        .collect::<Option<_>>()?;
    let mut data = Vec::with_capacity(digits.len() * 3 / 4);
    for part in digits.chunks(4) {
        let all = part.iter().fold(0, |all, digit| all << 6 | digit) << (6 * (4 - part.len()));
        data.extend_from_slice(&all.to_be_bytes()[1..][..part.len() * 6 / 8]);
    }
    Some(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 4568 section 6.1.
    const EXAMPLE: &str = "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20";

    #[test]
    fn a_line_is_read_and_written() {
        let crypto = Crypto::read(EXAMPLE).expect("a line");
        assert_eq!(crypto.master.material(), b"YS___semctl () {\t220;}\n}\nunles");
        assert_eq!(format!("a=crypto:{}", EXAMPLE.trim_end_matches("|2^20")), crypto.line());
    }

    #[test]
    fn what_we_do_not_do_cannot_be_taken() {
        let key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
        assert!(Crypto::read(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{key} WSH=64")).is_some());
        for line in [
            format!("1 F8_128_HMAC_SHA1_80 inline:{key}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{key}|2^20|1:4"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{key};inline:{key}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{key} UNENCRYPTED_SRTP"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{key} KDR=1"),
            format!("x AES_CM_128_HMAC_SHA1_80 inline:{key}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{}", &key[1..]),
            format!("1 AES_CM_128_HMAC_SHA1_80 {key}"),
            "1".into(),
        ] {
            assert_eq!(Crypto::read(&line), None, "{line}");
        }
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (data, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(to_base64(data.as_bytes()), text);
            assert_eq!(from_base64(text), Some(data.into()));
        }
        assert_eq!(from_base64("Zm9*"), None);
    }
}
