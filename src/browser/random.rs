//! Random numbers, from the browser's generator alone.

use super::global;

/// `N` unpredictable bytes; `None` where the browser withholds its generator.
pub(crate) fn bytes<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let crypto = global().crypto().ok()?;
    crypto.get_random_values_with_u8_array(&mut bytes).ok()?;
    Some(bytes)
}
