//! Decimals, quickly.

/// Powers of ten that f64 holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];
/// Digits whose number f64 holds exactly.
const MOST_DIGITS: usize = 15;

/// The float of a decimal, correctly rounded: what `str::parse` gives.
#[inline]
pub(super) fn number(field: &[u8]) -> Option<f32> {
    usual(field).or_else(|| std::str::from_utf8(field).ok()?.parse().ok())
}

/// The float of a decimal of usual length and size.
///
/// Its digits and its power of ten are exact in f64, so that one division or multiplication rounds once (Clinger 1990).
/// Rounded once more, to f32, it is correct unless it lies where a rounding error can have crossed the middle of two
/// floats.
#[inline]
fn usual(field: &[u8]) -> Option<f32> {
    let (is_negative, field) = match field {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (mut digits, mut count, mut fraction) = (0u64, 0, 0i32);
    let (mut at, mut has_point) = (0, false);
    while at < field.len() {
        let digit = field[at].wrapping_sub(b'0');
        if digit < 10 {
            digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit));
            // Zeros before the first other digit count for nothing.
            count += usize::from(digits > 0);
            fraction += i32::from(has_point);
        } else if field[at] == b'.' && !has_point {
            has_point = true;
        } else {
            break;
        }
        at += 1;
    }
    if count > MOST_DIGITS || at == usize::from(has_point) {
        return None;
    }
    let power = exponent(&field[at..])? - fraction;
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
    (is_usual && !is_middle).then_some(value as f32)
}

/// The power that `e-05` names; 0 if there is none.
#[inline]
fn exponent(rest: &[u8]) -> Option<i32> {
    let (is_negative, digits) = match rest {
        [] => return Some(0),
        [b'e' | b'E', b'-', digits @ ..] => (true, digits),
        [b'e' | b'E', b'+', digits @ ..] | [b'e' | b'E', digits @ ..] => (false, digits),
        _ => return None,
    };
    if digits.is_empty() || digits.len() > 2 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0, |value, digit| value * 10 + i32::from(digit - b'0'));
    Some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of_std(field: &str) -> Option<u32> {
        field.parse::<f32>().ok().map(f32::to_bits)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

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
