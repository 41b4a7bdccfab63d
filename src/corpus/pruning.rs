//! Which partitions and row groups hold no row that is wanted, by what is known of their columns.
//!
//! A condition on rows is rewritten to one on what is known (as in DataFusion's `PruningPredicate`), and Polars
//! computes that for all partitions or row groups at once, with its own rules for comparing types. An answer of null
//! stands for "not known": only what is false is left out.

use arrow::array::BooleanArray;
use polars::prelude::{
    AggExpr, AnyValue, BooleanFunction, Column, DataFrame, DataType, Expr, FunctionExpr, LiteralValue, Operator,
    PlSmallStr, Scalar, Series, col, lit,
};

use super::condition::{are_true, columns_of};
use crate::error::Result;

/// Values of an IN list that are looked at one by one.
const LONGEST_LIST: usize = 100;

/// What is known of the columns of some groups of rows: a row for each group.
#[derive(Default)]
pub(super) struct Known {
    groups: usize,
    columns: Vec<Column>,
    constants: Vec<String>,
    bounded: Vec<String>,
}

impl Known {
    pub(super) fn of_groups(groups: usize) -> Self {
        Self { groups, ..Self::default() }
    }

    /// A column that has one value in each group.
    pub(super) fn add_constant(&mut self, name: &str, values: Column) {
        self.constants.push(name.to_owned());
        self.columns.push(values.with_name(PlSmallStr::from_str(name)));
    }

    /// A column whose values, those that are not null, lie between two bounds, which need not be values themselves.
    /// A bound that is null is not known, and so is a number of nulls.
    pub(super) fn add_bounds(&mut self, name: &str, min: Series, max: Series, nulls: Series, rows: Series) {
        // NaN is greater than all numbers for Polars, and is not in statistics.
        let (min, max) = match max.dtype() {
            DataType::Float16 | DataType::Float32 | DataType::Float64 => match without_nan(&min, &max) {
                Some(bounds) => bounds,
                None => return,
            },
            _ => (min, max),
        };
        self.bounded.push(name.to_owned());
        let named = [(min, "min"), (max, "max"), (nulls, "nulls"), (rows, "rows")];
        self.columns.extend(named.map(|(series, what)| Column::from(series).with_name(statistic(name, what))));
    }

    /// The groups that may hold a row for which the condition is true.
    ///
    /// # Errors
    /// [`Error::Corpus`](crate::Error::Corpus) if that cannot be computed.
    pub(super) fn may_match(self, condition: &Expr, origin: &str) -> Result<BooleanArray> {
        let may_be_true = self.may_be(condition, true).fill_null(lit(true));
        are_true(DataFrame::new(self.groups, self.columns)?, may_be_true, origin)
    }

    /// True if the condition may have this value for some row of a group: an expression that is true or null if so.
    fn may_be(&self, condition: &Expr, value: bool) -> Expr {
        if columns_of(condition).iter().all(|name| self.constants.contains(name)) {
            let condition = if value { condition.clone() } else { condition.clone().not() };
            return condition.fill_null(lit(false));
        }
        let unknown = lit(true);
        match condition {
            Expr::BinaryExpr { left, op: Operator::And | Operator::LogicalAnd, right } => {
                let (left, right) = (self.may_be(left, value), self.may_be(right, value));
                if value { left.and(right) } else { left.or(right) }
            }
            Expr::BinaryExpr { left, op: Operator::Or | Operator::LogicalOr, right } => {
                let (left, right) = (self.may_be(left, value), self.may_be(right, value));
                if value { left.or(right) } else { left.and(right) }
            }
            Expr::BinaryExpr { left, op, right } => match (self.bounded(left), self.bounded(right)) {
                (Some(name), None) if self.is_constant(right) => compared(name, *op, right, value).unwrap_or(unknown),
                (None, Some(name)) if self.is_constant(left) => {
                    mirrored(*op).and_then(|op| compared(name, op, left, value)).unwrap_or(unknown)
                }
                _ => unknown,
            },
            // SQL's NOT makes a truth value of what it negates, whatever its type.
            Expr::Cast { expr, dtype, .. } if dtype.as_literal() == Some(&DataType::Boolean) => {
                self.may_be(expr, value)
            }
            Expr::Function { input, function: FunctionExpr::Boolean(function) } => match (function, input.as_slice()) {
                (BooleanFunction::Not, [inner]) => self.may_be(inner, !value),
                (BooleanFunction::IsNull, [column]) => self.may_be_null(column, value),
                (BooleanFunction::IsNotNull, [column]) => self.may_be_null(column, !value),
                (BooleanFunction::IsIn { .. }, [column, list]) if value => self.may_be_in(column, list),
                _ => unknown,
            },
            _ => unknown,
        }
    }

    fn may_be_null(&self, column: &Expr, value: bool) -> Expr {
        match self.bounded(column) {
            Some(name) if value => col(statistic(name, "nulls")).gt(lit(0)),
            Some(name) => col(statistic(name, "nulls")).lt(col(statistic(name, "rows"))),
            None => lit(true),
        }
    }

    fn may_be_in(&self, column: &Expr, list: &Expr) -> Expr {
        let (Some(name), Expr::Agg(AggExpr::Implode { input, .. })) = (self.bounded(column), list) else {
            return lit(true);
        };
        let Expr::Literal(LiteralValue::Series(values)) = input.as_ref() else { return lit(true) };
        if values.len() > LONGEST_LIST {
            return lit(true);
        }
        let values = values.iter().filter(|value| *value != AnyValue::Null);
        let equal = values.filter_map(|value| {
            let value = Scalar::new(value.dtype(), value.into_static());
            compared(name, Operator::Eq, &Expr::Literal(LiteralValue::Scalar(value)), true)
        });
        equal.reduce(Expr::or).unwrap_or(lit(false))
    }

    /// The name of a column whose bounds are known.
    fn bounded<'a>(&self, expression: &'a Expr) -> Option<&'a str> {
        match expression {
            Expr::Column(name) if self.bounded.iter().any(|known| known == name.as_str()) => Some(name),
            _ => None,
        }
    }

    fn is_constant(&self, expression: &Expr) -> bool {
        columns_of(expression).iter().all(|name| self.constants.contains(name))
    }
}

/// The name of what is known of a column. No column of a file is called so.
fn statistic(name: &str, what: &str) -> PlSmallStr {
    PlSmallStr::from_string(format!("{what}\u{0}{name}"))
}

/// True if comparing the values of a column may give this value.
fn compared(name: &str, op: Operator, with: &Expr, value: bool) -> Option<Expr> {
    let (min, max) = (col(statistic(name, "min")), col(statistic(name, "max")));
    let with = || with.clone();
    let may_be = match (op, value) {
        (Operator::Lt, true) | (Operator::GtEq, false) => min.lt(with()),
        (Operator::LtEq, true) | (Operator::Gt, false) => min.lt_eq(with()),
        (Operator::Gt, true) | (Operator::LtEq, false) => max.gt(with()),
        (Operator::GtEq, true) | (Operator::Lt, false) => max.gt_eq(with()),
        (Operator::Eq, true) | (Operator::NotEq, false) => min.lt_eq(with()).and(max.gt_eq(with())),
        (Operator::NotEq, true) | (Operator::Eq, false) => min.neq(with()).or(max.neq(with())),
        _ => return None,
    };
    // Nulls compare as neither.
    Some(may_be.and(col(statistic(name, "nulls")).lt(col(statistic(name, "rows")))))
}

/// The comparison with its sides exchanged.
fn mirrored(op: Operator) -> Option<Operator> {
    match op {
        Operator::Lt => Some(Operator::Gt),
        Operator::LtEq => Some(Operator::GtEq),
        Operator::Gt => Some(Operator::Lt),
        Operator::GtEq => Some(Operator::LtEq),
        Operator::Eq | Operator::NotEq => Some(op),
        _ => None,
    }
}

/// Bounds of numbers among which there may be NaN.
fn without_nan(min: &Series, max: &Series) -> Option<(Series, Series)> {
    let of = |series: &Series, change: fn(f64) -> Option<f64>| {
        let wide = series.cast(&DataType::Float64).ok()?;
        let changed: Series = wide.f64().ok()?.iter().map(|bound| bound.and_then(change)).collect();
        changed.cast(series.dtype()).ok()
    };
    let is_number = |bound: f64| (!bound.is_nan()).then_some(bound);
    Some((of(min, is_number)?, of(max, |bound| (!bound.is_nan()).then_some(f64::NAN))?))
}

#[cfg(test)]
mod tests {
    use polars::prelude::{IntoLazy, NamedFrom};
    use polars::sql::sql_expr;
    use proptest::prelude::*;

    use super::*;

    fn kept(known: Known, sql: &str) -> Vec<bool> {
        known.may_match(&sql_expr(sql).unwrap(), "groups").unwrap().iter().map(|kept| kept == Some(true)).collect()
    }

    /// Groups of integers: 1 to 3, 5 to 9 with nulls, nulls alone, and one of which nothing is known.
    fn groups() -> Known {
        let mut known = Known::of_groups(4);
        let series = |values: &[Option<i64>]| Series::new("".into(), values);
        let (min, max) = (series(&[Some(1), Some(5), None, None]), series(&[Some(3), Some(9), None, None]));
        let (nulls, rows) = (series(&[Some(0), Some(2), Some(9), None]), series(&[Some(9); 4]));
        known.add_bounds("n", min, max, nulls, rows);
        let langs = ["en", "ko", "en", "ko"];
        known.add_constant("lang", Column::from(Series::new("".into(), langs)));
        known
    }

    #[test]
    fn groups_without_a_row_that_can_match_are_left_out() {
        for (sql, expected) in [
            ("n = 4", [false, false, false, true]),
            ("n = 3", [true, false, false, true]),
            ("3 = n", [true, false, false, true]),
            ("n <> 3", [true, true, false, true]),
            ("n < 5", [true, false, false, true]),
            ("5 > n", [true, false, false, true]),
            ("n <= 5", [true, true, false, true]),
            ("n > 8 - 5", [false, true, false, true]),
            ("n >= 3", [true, true, false, true]),
            ("NOT n >= 5", [true, false, false, true]),
            ("n BETWEEN 4 AND 5", [false, true, false, true]),
            ("n NOT BETWEEN 1 AND 9", [false, false, false, true]),
            ("n IN (0, 3)", [true, false, false, true]),
            ("n NOT IN (0, 3)", [true, true, true, true]),
            ("n IS NULL", [false, true, true, true]),
            ("n IS NOT NULL", [true, true, false, true]),
            ("NOT (n IS NULL)", [true, true, false, true]),
            ("n < 3 AND n > 8", [false, false, false, true]),
            ("n < 3 OR n > 8", [true, true, false, true]),
            ("lang = 'en'", [true, false, true, false]),
            ("UPPER(lang) LIKE 'K%'", [false, true, false, true]),
            ("lang = 'en' AND n < 5", [true, false, false, false]),
            ("lang = 'en' OR n < 5", [true, false, true, true]),
            ("NOT (lang = 'en' OR n < 5)", [false, true, false, true]),
            ("lang = other OR n % 2 = 0", [true; 4]),
        ] {
            assert_eq!(kept(groups(), sql), expected, "{sql}");
        }
        assert!(groups().may_match(&sql_expr("n = 'text'").unwrap(), "groups").is_err());
    }

    #[test]
    fn bounds_need_not_be_values_and_nan_is_beyond_them() {
        for data_type in [DataType::Float16, DataType::Float32, DataType::Float64] {
            let mut known = Known::of_groups(1);
            let number = |value: u64| Series::new("".into(), [value]);
            let bound = |value: f32| Series::new("".into(), [value]).cast(&data_type).unwrap();
            known.add_bounds("x", bound(1.0), bound(3.0), number(0), number(9));
            assert_eq!(kept(known, "x > 5"), [true], "{data_type}");
        }
        let known = || {
            let mut known = Known::of_groups(2);
            let number = |values: [u64; 2]| Series::new("".into(), values);
            let bounds = |values: [f32; 2]| Series::new("".into(), values);
            known.add_bounds("x", bounds([0.1, f32::NAN]), bounds([0.5, f32::NAN]), number([0, 0]), number([9, 9]));
            let text = |values: [Option<&str>; 2]| Series::new("".into(), values);
            known.add_bounds("s", text([Some("ab"), None]), text([Some("ac"), None]), number([0, 0]), number([9, 9]));
            known
        };
        for (sql, expected) in [
            ("x = 0.1", [true, true]),
            ("x < 0.1", [false, true]),
            ("x > 0.5", [true, true]),
            ("NOT x <= 0.5", [true, true]),
            ("s = 'abzzz'", [true, true]),
            ("s = 'b'", [false, true]),
            ("s > 'ac'", [false, true]),
            ("s < 'ab'", [false, true]),
        ] {
            assert_eq!(kept(known(), sql), expected, "{sql}");
        }
    }

    proptest! {
        /// A group that is left out holds no row for which the condition is true.
        #[test]
        fn no_row_that_matches_is_lost(
            rows in prop::collection::vec((prop::option::of(-3..4_i64), prop::option::of("[ab]{0,2}")), 1..6),
            parts in prop::collection::vec(0..8_usize, 1..4),
            (a, b) in (-4..5_i64, "[ab]{0,2}"),
        ) {
            let atoms = [
                format!("n < {a}"), format!("n >= {a}"), format!("n <> {a}"), format!("{a} = n"), "n IS NULL".into(),
                format!("s <= '{b}'"), format!("s IN ('{b}', 'a')"), "s IS NOT NULL".into(),
            ];
            let mut sql = atoms[parts[0]].clone();
            for (i, &part) in parts.iter().enumerate().skip(1) {
                sql = match i % 3 {
                    0 => format!("({sql}) AND {}", atoms[part]),
                    1 => format!("NOT (({sql}) OR {})", atoms[part]),
                    _ => format!("({sql}) OR NOT {}", atoms[part]),
                };
            }
            let (n, s): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
            let mut known = Known::of_groups(1);
            let count = |count: usize| Series::new("".into(), [count as u64]);
            let nulls = |nulls: usize| count(nulls);
            let bound = |values: &[Option<i64>]| Series::new("".into(), values);
            let (min, max) = (n.iter().flatten().min(), n.iter().flatten().max());
            let missing = n.iter().filter(|n| n.is_none()).count();
            known.add_bounds("n", bound(&[min.copied()]), bound(&[max.copied()]), nulls(missing), count(n.len()));
            let text = |value: Option<&String>| Series::new("".into(), [value.map(String::as_str)]);
            let (min, max) = (s.iter().flatten().min(), s.iter().flatten().max());
            let missing = s.iter().filter(|s| s.is_none()).count();
            known.add_bounds("s", text(min), text(max), nulls(missing), count(s.len()));
            let height = n.len();
            let columns = vec![Series::new("n".into(), n).into(), Series::new("s".into(), s).into()];
            let table = DataFrame::new(height, columns).unwrap();
            let matching = table.lazy().filter(sql_expr(&sql).unwrap()).collect().unwrap().height();
            prop_assert!(matching == 0 || kept(known, &sql)[0], "{} rows match {}", matching, sql);
        }
    }
}
