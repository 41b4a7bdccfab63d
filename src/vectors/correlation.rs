//! Correlations of two lists of numbers, with their two-sided p-values: those of SciPy.

use std::f64::consts::PI;

/// A correlation, and how probable one of this size is by chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation {
    /// From −1 to 1; NaN if all numbers of a list are equal.
    pub statistic: f64,
    /// Of the hypothesis that the two lists have nothing to do with each other.
    pub pvalue: f64,
}

impl Correlation {
    fn of(statistic: f64, count: usize) -> Self {
        Self { statistic, pvalue: pvalue(statistic, count) }
    }

    /// Pearson's correlation: how near the points are to a line.
    ///
    /// ```
    /// use polargram::vectors::Correlation;
    ///
    /// let found = Correlation::pearson(&[(1.0, 2.0), (2.0, 4.1), (3.0, 5.9)]);
    /// assert!(found.statistic > 0.99 && found.pvalue < 0.05);
    /// ```
    pub fn pearson(points: &[(f64, f64)]) -> Self {
        let statistic = product_moment(points);
        match points {
            // Two points are always on a line.
            [_, _] => Self { statistic: if statistic.is_nan() { statistic } else { statistic.round() }, pvalue: 1.0 },
            _ => Self::of(statistic, points.len()),
        }
    }

    /// Spearman's correlation: that of the ranks. Equal numbers share the mean of their ranks.
    ///
    /// ```
    /// use polargram::vectors::Correlation;
    ///
    /// assert_eq!(Correlation::spearman(&[(1.0, 1.0), (2.0, 8.0), (3.0, 27.0)]).statistic, 1.0);
    /// ```
    pub fn spearman(points: &[(f64, f64)]) -> Self {
        if points.iter().any(|(x, y)| x.is_nan() || y.is_nan()) {
            return Self { statistic: f64::NAN, pvalue: f64::NAN };
        }
        let x = ranks(&points.iter().map(|&(x, _)| x).collect::<Vec<_>>());
        let y = ranks(&points.iter().map(|&(_, y)| y).collect::<Vec<_>>());
        // Sums of halves are exact, so that the same order has the correlation 1.
        let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let squares = product(&x, &x) * product(&y, &y);
        let statistic = if squares > 0.0 { product(&x, &y) / squares.sqrt() } else { f64::NAN };
        Self::of(statistic, points.len())
    }
}

fn product_moment(points: &[(f64, f64)]) -> f64 {
    let Some(&(first_x, first_y)) = points.first() else { return f64::NAN };
    // The mean of equal numbers may differ from them by its rounding.
    if points.iter().all(|&(x, _)| x == first_x) || points.iter().all(|&(_, y)| y == first_y) {
        return f64::NAN;
    }
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let centred = || points.iter().map(|(x, y)| (x - mean_x, y - mean_y));
    let length_x = centred().map(|(x, _)| x * x).sum::<f64>().sqrt();
    let length_y = centred().map(|(_, y)| y * y).sum::<f64>().sqrt();
    let is_length = |length: f64| length > 0.0 && length.is_finite();
    if !is_length(length_x) || !is_length(length_y) {
        return f64::NAN;
    }
    centred().map(|(x, y)| x / length_x * (y / length_y)).sum::<f64>().clamp(-1.0, 1.0)
}

/// The ranks of numbers, less their mean. Equal numbers share the mean of their ranks.
fn ranks(numbers: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    let mut ranks = vec![0.0; numbers.len()];
    let middle = (numbers.len() as f64 + 1.0) / 2.0;
    let mut first = 0;
    for group in order.chunk_by(|&a, &b| numbers[a] == numbers[b]) {
        let rank = first as f64 + (group.len() as f64 + 1.0) / 2.0 - middle;
        group.iter().for_each(|&at| ranks[at] = rank);
        first += group.len();
    }
    ranks
}

/// The share of samples of unrelated numbers with a correlation at least so far from 0.
fn pvalue(correlation: f64, count: usize) -> f64 {
    if correlation.is_nan() || count < 3 {
        return f64::NAN;
    }
    incomplete_beta(count as f64 / 2.0 - 1.0, 0.5, (1.0 - correlation) * (1.0 + correlation))
}

/// The regularised incomplete beta function, by its continued fraction (Press et al. 2007, 6.4).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return f64::from(u8::from(x >= 1.0));
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        // There the fraction of the complement converges faster.
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let scale = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p();
    scale.exp() * fraction(a, b, x) / a
}

/// Evaluates the continued fraction by Lentz's method.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    /// Two values that differ by less are equal.
    const PRECISION: f64 = 1e-16;
    /// Stands for 0 in a divisor.
    const TINY: f64 = 1e-300;
    let not_zero = |number: f64| if number.abs() > TINY { number } else { TINY };
    let (mut c, mut d) = (1.0, 1.0 / not_zero(1.0 - (a + b) * x / (a + 1.0)));
    let mut value = d;
    for m in (1..10_000).map(f64::from) {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        for term in [even, odd] {
            d = 1.0 / not_zero(1.0 + term * d);
            c = not_zero(1.0 + term / c);
            value *= c * d;
        }
        if (c * d - 1.0).abs() < PRECISION {
            break;
        }
    }
    value
}

/// The logarithm of the gamma function of a positive number, by Lanczos's approximation (g = 7, nine terms).
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        return (PI / (PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let sum: f64 = TERMS.iter().zip(1..).map(|(term, i)| term / (x + f64::from(i))).sum();
    let t = x + 7.5;
    (2.0 * PI).sqrt().ln() + (x + 0.5) * t.ln() - t + (0.999_999_999_999_809_9 + sum).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Correlation, statistic: f64, pvalue: f64) {
        assert!((found.statistic - statistic).abs() < 1e-12, "{found:?}");
        assert!((found.pvalue / pvalue - 1.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn correlations_and_p_values_are_those_of_scipy() {
        let points = [(1.0, 2.0), (2.0, 1.0), (3.0, 4.0), (4.0, 3.0), (5.0, 7.0), (6.0, 5.0), (7.0, 6.5), (7.0, 9.0)];
        // scipy.stats.pearsonr and spearmanr 1.17
        near(Correlation::pearson(&points), PEARSON.0, PEARSON.1);
        near(Correlation::spearman(&points), SPEARMAN.0, SPEARMAN.1);
    }

    const PEARSON: (f64, f64) = (0.8712425439216454, 0.004834442356862405);
    const SPEARMAN: (f64, f64) = (0.8622909085775463, 0.005872990672297017);

    #[test]
    fn what_has_no_correlation_is_not_a_number() {
        for points in [&[][..], &[(1.0, 2.0)], &[(1.0, 2.0), (1.0, 3.0), (1.0, 4.0)], &[(f64::NAN, 1.0), (2.0, 3.0)]] {
            assert!(Correlation::pearson(points).statistic.is_nan(), "{points:?}");
            assert!(Correlation::spearman(points).statistic.is_nan(), "{points:?}");
        }
        assert_eq!(Correlation::pearson(&[(1.0, 2.0), (3.0, 1.0)]), Correlation { statistic: -1.0, pvalue: 1.0 });
    }
}
