//! A small deterministic mutation fuzzer: replays a corpus, then mutates it. A failure prints the input that caused it.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

/// Mutated inputs for each target, from `OFFHOOK_FUZZ_ITERS`; enough by default to notice a broken target.
pub fn iterations() -> u64 {
    std::env::var("OFFHOOK_FUZZ_ITERS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

/// Run `target` on every file of `tests/corpus/<name>`, then on mutations of them.
pub fn fuzz(name: &str, mut target: impl FnMut(&[u8])) {
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "the corpus {name} is empty");
    for input in &corpus {
        attempt(&mut target, input);
    }
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    for _ in 0..iterations() {
        let input = mutate(&corpus, &mut chance);
        attempt(&mut target, &input);
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name);
    let entries = fs::read_dir(folder).expect("the corpus is part of the crate");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a readable file")).collect()
}

fn attempt(target: &mut impl FnMut(&[u8]), input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
        eprintln!("fuzz input: {:02x?}", input);
        resume_unwind(panic);
    }
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

const INTERESTING: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, b'\r', b'\n', b' '];

fn mutate(corpus: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut input = corpus[chance.below(corpus.len())].clone();
    for _ in 0..=chance.below(6) {
        let at = chance.below(input.len());
        let end = at + chance.below(input.len().saturating_sub(at).min(40) + 1);
        match chance.below(7) {
            _ if input.is_empty() => input.push(chance.below(256) as u8),
            0 => input[at] ^= 1 << chance.below(8),
            1 => input[at] = INTERESTING[chance.below(INTERESTING.len())],
            2 => input[at] = chance.below(256) as u8,
            3 => drop(input.drain(at..end)),
            4 => drop(input.splice(at..at, input[at..end].to_vec())),
            5 => input.truncate(at),
            _ => {
                let other = &corpus[chance.below(corpus.len())];
                input.extend_from_slice(&other[chance.below(other.len() + 1)..]);
            }
        }
    }
    input
}
