//! Numbers as people read them, and where the marks of an axis stand.

/// A number in few characters: 25k, 1.5M, 0.025.
pub(super) fn short(number: f64) -> String {
    const UNITS: [(f64, &str); 4] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    let size = number.abs();
    match UNITS.iter().find(|(unit, _)| size >= *unit * 0.9995) {
        Some((unit, name)) => format!("{}{name}", plain(number / unit)),
        None => plain(number),
    }
}

/// Three significant digits, without zeros at the end.
fn plain(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return if number == 0.0 { "0".into() } else { number.to_string() };
    }
    let digits = (2 - number.abs().log10().floor() as i32).max(0) as usize;
    if digits > 7 {
        return format!("{number:.1e}");
    }
    let text = format!("{number:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A whole number with separators: 1,234,567.
pub(super) fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Round numbers between two, at most `most` or so: 0, 50, 100, …
pub(super) fn marks(low: f64, high: f64, most: usize) -> Vec<f64> {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return vec![low];
    }
    let rough = span / most as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    let step = step.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(10.0 * power);
    let first = (low / step - 1e-9).ceil();
    (0..=2 * most).map(|i| (first + i as f64) * step).take_while(|mark| *mark <= high + 1e-9 * span).collect()
}

/// Powers of ten between two positive numbers, at most `most` or so.
pub(super) fn powers(low: f64, high: f64, most: usize) -> Vec<f64> {
    let (first, last) = (low.log10().ceil() as i32, high.log10().floor() as i32);
    let step = (last - first + 1).max(1).unsigned_abs() as usize;
    let step = step.div_ceil(most).max(1);
    (first..=last).step_by(step).map(|power| 10f64.powi(power)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, text) in [
            (0.0, "0"),
            (0.025, "0.025"),
            (0.0001, "0.0001"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (999.0, "999"),
            (25_000.0, "25k"),
            (1_534_000.0, "1.53M"),
            (2e9, "2G"),
            (1e-12, "1.0e-12"),
        ] {
            assert_eq!(short(number), text);
        }
        assert_eq!([whole(7), whole(1234), whole(1_234_567)], ["7", "1,234", "1,234,567"]);
    }

    #[test]
    fn marks_are_round_and_within_the_axis() {
        assert_eq!(marks(0.0, 1.0, 5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(marks(3.0, 47.0, 5), [10.0, 20.0, 30.0, 40.0]);
        assert_eq!(marks(2.0, 2.0, 5), [2.0]);
        assert_eq!(powers(1.0, 123_456.0, 3), [1.0, 100.0, 10_000.0]);
    }
}
