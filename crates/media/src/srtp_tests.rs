use proptest::prelude::*;

use super::*;
use crate::egress::Header;
use crate::rtp;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn packet(ssrc: u32, seq: u16, payload: &[u8]) -> Vec<u8> {
    let header = Header { ssrc, seq, extended_seq: u64::from(seq), timestamp: 160, marker: false };
    rtp::write(&header, 8, payload)
}

fn pair(suite: Suite) -> (Sealer, Opener) {
    let master = Master::random(suite);
    (Sealer::new(&master), Opener::new(&master))
}

fn report(ssrc: u32) -> Vec<u8> {
    [&[0x80, 201, 0, 1][..], &ssrc.to_be_bytes(), &[0x81, 202, 0, 2, 0, 0, 0, 7, 1, 2, b'a', b'b']].concat()
}

#[test]
fn keys_are_derived_as_rfc_3711_appendix_b_3_has_it() {
    let material = bytes("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
    let master = Master::new(Suite::AesCm128Sha80, material).expect("30 octets");
    assert_eq!(derive(&master, ENCRYPTION, 16), bytes("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(derive(&master, SALTING, 14), bytes("30CBBC08863D8C85D49DB34A9AE1"));
    assert_eq!(derive(&master, AUTHENTICATION, 20), bytes("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

#[test]
fn the_key_stream_is_that_of_rfc_3711_appendix_b_2() {
    let cipher = block_cipher(&bytes("2B7E151628AED2A6ABF7158809CF4F3C"));
    let mut stream = [0; 32];
    let iv: [u8; 16] = bytes("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().expect("16 octets");
    counter_mode(&cipher, &iv, &mut stream);
    assert_eq!(stream[..], bytes("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB"));
}

#[test]
fn keys_of_256_bits_are_derived_as_rfc_6188_section_7_2_has_it() {
    let material =
        bytes("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2");
    let master = Master::new(Suite::AesCm256Sha80, material).expect("46 octets");
    let key = bytes("5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4");
    assert_eq!(derive(&master, ENCRYPTION, 32), key);
    assert_eq!(derive(&master, SALTING, 14), bytes("fa31791685ca444a9e07c6c64e93"));
    assert_eq!(derive(&master, AUTHENTICATION, 20), bytes("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"));
}

#[test]
fn gcm_seals_a_packet_as_rfc_7714_section_16_1_1_has_it() {
    // The vectors give session keys, not masters.
    let key = bytes("00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f");
    let cipher = Cipher::Gcm(LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).expect("16 octets")));
    let mut salt = [0; SALT];
    salt[..GCM_SALT].copy_from_slice(&bytes("51 75 69 64 20 70 72 6f 20 71 75 6f"));
    let (mut sealer, _) = pair(Suite::AeadAes128Gcm);
    sealer.packets = Keys { cipher, salt };
    let mut packet = bytes(
        "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472
         6573",
    );
    sealer.seal(&mut packet, 0xf17b);
    let sealed = bytes(
        "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf
         8833899d 7f27beb1 6a9152cf 765ee439 0cce",
    );
    assert_eq!(packet, sealed);
}

#[test]
fn what_is_sealed_is_opened_once() {
    for suite in Suite::ALL {
        let (mut sealer, mut opener) = pair(suite);
        let clear = packet(7, 65_535, b"voice");
        let mut sealed = clear.clone();
        sealer.seal(&mut sealed, 65_535);
        assert_eq!(sealed.len(), clear.len() + suite.tag_length());
        assert!(!sealed.windows(5).any(|part| part == b"voice"), "{suite:?}");
        assert_eq!(opener.open(&sealed).as_ref(), Ok(&clear));
        assert_eq!(opener.open(&sealed), Err(Sealed::Replayed));
        let mut told = report(7);
        sealer.seal_report(&mut told);
        assert_eq!(opener.open_report(&told), Ok(report(7)), "{suite:?}");
        assert_eq!(opener.open_report(&told), Err(Sealed::Replayed));
    }
}

#[test]
fn the_roll_over_is_followed_and_stragglers_belong_before_it() {
    for suite in Suite::ALL {
        let (sealer, mut opener) = pair(suite);
        for index in [65_534_u64, 65_536, 65_535, 65_537, 98_000, 130_000, 131_072] {
            let clear = packet(7, index as u16, b"voice");
            let mut sealed = clear.clone();
            sealer.seal(&mut sealed, index);
            assert_eq!(opener.open(&sealed), Ok(clear), "{suite:?} {index}");
        }
    }
}

#[test]
fn forged_and_foreign_packets_leave_nothing_behind() {
    for suite in Suite::ALL {
        let (mut sealer, mut opener) = pair(suite);
        let mut sealed = packet(7, 1, b"voice");
        sealer.seal(&mut sealed, 1);
        for at in 0..sealed.len() {
            let mut forged = sealed.clone();
            forged[at] ^= 4;
            assert!(opener.open(&forged).is_err(), "{suite:?} {at}");
        }
        assert!(opener.streams.is_empty());
        for length in 0..sealed.len() {
            assert!(opener.open(&sealed[..length]).is_err());
        }
        let mut told = report(7);
        sealer.seal_report(&mut told);
        for at in 0..told.len() {
            let mut forged = told.clone();
            forged[at] ^= 4;
            assert!(opener.open_report(&forged).is_err(), "{suite:?} {at}");
        }
        assert!(opener.open(&sealed).is_ok() && opener.open_report(&told).is_ok());
    }
}

#[test]
fn a_master_of_another_length_is_none() {
    assert!(Master::new(Suite::AesCm128Sha80, vec![0; 29]).is_none());
    assert_eq!(Suite::named("aes_cm_128_hmac_sha1_32"), Some(Suite::AesCm128Sha32));
    assert_eq!(Suite::named("F8_128_HMAC_SHA1_80"), None);
    assert_eq!(format!("{:?}", Master::random(Suite::AesCm128Sha80)), "AES_CM_128_HMAC_SHA1_80");
}

proptest! {
    #[test]
    fn any_bytes_are_refused(data in proptest::collection::vec(any::<u8>(), 0..80), which in 0..6_usize) {
        let (_, mut opener) = pair(Suite::ALL[which]);
        // A tag of four octets is guessed once in four billion tries.
        prop_assert!(opener.open(&data).is_err());
        prop_assert!(opener.open_report(&data).is_err());
    }

    #[test]
    fn never_is_a_packet_opened_twice(order in proptest::collection::vec(0_u16..400, 1..200)) {
        let (sealer, mut opener) = pair(Suite::AesCm128Sha80);
        let mut opened = std::collections::HashSet::new();
        for seq in order {
            let mut sealed = packet(7, seq, b"voice");
            sealer.seal(&mut sealed, u64::from(seq));
            if opener.open(&sealed).is_ok() {
                prop_assert!(opened.insert(seq));
            }
        }
    }
}
