//! Decimals, quickly.

/// Powers of ten that f64 holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];
/// Bits of the numbers that f64 holds exactly.
const MOST_BITS: u32 = 53;
/// Digits, with zeros before the first other, whose number u64 holds.
const MOST_PLACES: usize = 19;

/// The float of a decimal, correctly rounded: what `str::parse` gives.
pub(super) fn number(field: &[u8]) -> Option<f32> {
    match leading(field) {
        Some((value, len)) if len == field.len() => Some(value),
        _ => std::str::from_utf8(field).ok()?.parse().ok(),
    }
}

/// The float of a decimal of usual length and size that the bytes start with, and its length.
///
/// Its digits and its power of ten are exact in f64, so that one division or multiplication rounds once (Clinger 1990).
/// Rounded once more, to f32, it is correct unless it lies where a rounding error can have crossed the middle of two
/// floats.
#[inline]
pub(super) fn leading(bytes: &[u8]) -> Option<(f32, usize)> {
    let is_negative = bytes.first() == Some(&b'-');
    let start = usize::from(is_negative);
    let (mut digits, mut at, mut point) = (0u64, start, None);
    while let Some(&byte) = bytes.get(at) {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit));
        } else if byte == b'.' && point.is_none() {
            point = Some(at);
        } else {
            break;
        }
        at += 1;
    }
    let count = at - start - usize::from(point.is_some());
    if count == 0 || count > MOST_PLACES || digits >= 1 << MOST_BITS {
        return None;
    }
    let fraction = point.map_or(0, |point| at - point - 1);
    let (named, end) = exponent(bytes, at)?;
    let power = named - fraction as i32;
    let exact = digits as f64;
    let value = match power {
        0..=22 => exact * POWERS[power as usize],
        -22..=-1 => exact / POWERS[power.unsigned_abs() as usize],
        _ => return None,
    };
    // The bits that f32 lacks: half of them is the middle of two floats.
    let beyond = value.to_bits() & 0x1FFF_FFFF;
    let is_middle = (0x0FFF_FFFF..=0x1000_0001).contains(&beyond);
    let is_usual = value == 0.0 || (1e-37..1e38).contains(&value);
    let value = if is_negative { -value } else { value };
    (is_usual && !is_middle).then_some((value as f32, end))
}

/// The power that `e-05` names at a place, and where it ends; 0 if there is none.
#[inline]
fn exponent(bytes: &[u8], at: usize) -> Option<(i32, usize)> {
    if !matches!(bytes.get(at), Some(b'e' | b'E')) {
        return Some((0, at));
    }
    let is_negative = bytes.get(at + 1) == Some(&b'-');
    let start = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'-' | b'+')));
    let digits = bytes[start..].iter().take(3).take_while(|byte| byte.is_ascii_digit());
    let (value, count) = digits.fold((0, 0), |(value, count), digit| (value * 10 + i32::from(digit - b'0'), count + 1));
    let value = if is_negative { -value } else { value };
    // Three digits name what no float has, or start with zeros.
    matches!(count, 1 | 2).then_some((value, start + count))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of_std(field: &str) -> Option<u32> {
        field.parse::<f32>().ok().map(f32::to_bits)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn a_float_of_any_bits_comes_back(bits: u32) {
            let value = f32::from_bits(bits);
            prop_assume!(!value.is_nan());
            for text in [format!("{value}"), format!("{value:e}"), format!("{value:.6}"), format!("{}", f64::from(value))] {
                prop_assert_eq!(number(text.as_bytes()).map(f32::to_bits), of_std(&text), "{}", text);
            }
        }

        #[test]
        fn what_looks_like_a_number_is_read_as_the_standard_library_reads_it(text in "[-+]?[0-9]{0,17}(\\.[0-9]{0,17})?([eE][-+]?[0-9]{0,3})?[-+.e0-9]?") {
            prop_assert_eq!(number(text.as_bytes()).map(f32::to_bits), of_std(&text), "{}", text);
        }

        #[test]
        fn decimals_near_the_middle_of_two_floats_are_rounded_once(bits in 0x0080_0000u32..0x7F00_0000, digits in 1usize..18) {
            let (a, b) = (f64::from(f32::from_bits(bits)), f64::from(f32::from_bits(bits + 1)));
            let text = format!("{:.digits$e}", a + (b - a) / 2.0);
            prop_assert_eq!(number(text.as_bytes()).map(f32::to_bits), of_std(&text), "{}", text);
        }
    }

    #[test]
    fn words_are_no_numbers() {
        for text in ["", "-", ".", "-.", "e5", "1e", "1e+", "1.2.3", "0x1", "1_000", "one", "1 ", "é"] {
            assert_eq!(number(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(number(b"-0").map(f32::to_bits), Some((-0.0f32).to_bits()));
        assert_eq!((number(b"inf"), number(b"1."), number(b".5")), (Some(f32::INFINITY), Some(1.0), Some(0.5)));
    }
}
