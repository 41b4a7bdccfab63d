//! Labels that do not overlap: each is put where there is room, or left out.

use super::markup::width;

/// Where the text of a label stands: its middle line and its start, middle or end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placed {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) anchor: &'static str,
    /// Where a line from the point ends, if the label is not beside it.
    pub(super) line: Option<(f64, f64)>,
}

impl Placed {
    fn area(&self, text: &str, size: f64) -> Area {
        let half = width(text) * size / 2.0;
        let centre = match self.anchor {
            "start" => self.x + half,
            "end" => self.x - half,
            _ => self.x,
        };
        Area::around(centre, self.y, half, LINE * size / 2.0)
    }
}

/// A rectangle.
#[derive(Debug, Clone, Copy)]
struct Area {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Area {
    fn around(x: f64, y: f64, half_width: f64, half_height: f64) -> Self {
        Self { left: x - half_width, right: x + half_width, top: y - half_height, bottom: y + half_height }
    }

    fn contains(&self, (x, y): (f64, f64)) -> bool {
        self.left < x && x < self.right && self.top < y && y < self.bottom
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }
}

/// The size of a picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Frame {
    fn contains(&self, area: &Area) -> bool {
        area.left >= 0.0 && area.right <= self.width && area.top >= 0.0 && area.bottom <= self.height
    }
}

/// From the point to its label.
const GAP: f64 = 6.0;
/// The height of a line of text of size 1.
const LINE: f64 = 1.2;

/// Around a point no text of others stands.
const DOT: f64 = 2.5;

/// Places labels of points, the more important ones first: beside the point, above or below, or at a corner. `None` for one
/// that would overlap another label, cover a point, or leave the frame.
pub(super) fn place(labels: &[(f64, f64, &str)], size: f64, frame: Frame) -> Vec<Option<Placed>> {
    let dots: Vec<Area> = labels.iter().map(|&(x, y, _)| Area::around(x, y, DOT, DOT)).collect();
    let mut taken: Vec<Area> = Vec::new();
    let place_one = |(own, &(x, y, text)): (usize, &(f64, f64, &str))| {
        let high = LINE * size / 2.0;
        let (near, up) = (GAP - 2.0, GAP + high);
        let choices = [
            (x + GAP, y, "start"),
            (x - GAP, y, "end"),
            (x, y - up, "middle"),
            (x, y + up, "middle"),
            (x + near, y - high, "start"),
            (x + near, y + high, "start"),
            (x - near, y - high, "end"),
            (x - near, y + high, "end"),
        ];
        for (at, middle, anchor) in choices {
            let placed = Placed { x: at, y: middle, anchor, line: None };
            let area = placed.area(text, size);
            let covers = |dots: &[Area]| dots.iter().any(|dot| dot.overlaps(&area));
            if frame.contains(&area) && !covers(&taken) && !covers(&dots[..own]) && !covers(&dots[own + 1..]) {
                taken.push(area);
                return Some(placed);
            }
        }
        None
    };
    labels.iter().enumerate().map(place_one).collect()
}

/// From the point to the middle of a label that a line joins with it, along the vertical.
const DISTANCES: [f64; 4] = [18.0, 26.0, 36.0, 48.0];
/// Directions in which such a label may stand.
const DIRECTIONS: usize = 24;

/// The same, but labels that have no room beside their points may stand farther away, at the end of a line that crosses
/// no label and no other point.
pub(super) fn place_with_lines(labels: &[(f64, f64, &str)], size: f64, frame: Frame) -> Vec<Option<Placed>> {
    let mut placed = place(labels, size, frame);
    let dots: Vec<Area> = labels.iter().map(|&(x, y, _)| Area::around(x, y, DOT, DOT)).collect();
    let areas = placed.iter().zip(labels).filter_map(|(placed, (_, _, text))| Some(placed.as_ref()?.area(text, size)));
    let mut taken: Vec<Area> = areas.collect();
    let mut lines: Vec<[(f64, f64); 2]> = Vec::new();
    for own in 0..labels.len() {
        if placed[own].is_some() {
            continue;
        }
        let (x, y, text) = labels[own];
        let half = width(text) * size / 2.0;
        let is_free = |area: &Area| {
            let others = dots.iter().enumerate().filter(|&(other, _)| other != own).map(|(_, dot)| dot);
            !taken.iter().chain(others).any(|other| other.overlaps(area))
        };
        let found = around().find_map(|(across, up, distance)| {
            let middle = (x + across * (distance + half), y + up * distance);
            let area = Area::around(middle.0, middle.1, half, LINE * size / 2.0);
            let end = (x.clamp(area.left, area.right), y.clamp(area.top, area.bottom));
            let line = [(x, y), end];
            let is_good = frame.contains(&area)
                && is_free(&area)
                && along(line).all(|(x, y)| is_free(&Area::around(x, y, 1.0, 1.0)))
                && !lines.iter().any(|other| along(*other).any(|point| area.contains(point)) || crosses(*other, line));
            is_good.then_some((middle, area, end))
        });
        if let Some((middle, area, end)) = found {
            placed[own] = Some(Placed { x: middle.0, y: middle.1, anchor: "middle", line: Some(end) });
            taken.push(area);
            lines.push([(x, y), end]);
        }
    }
    placed
}

/// Directions and distances, the near ones first.
fn around() -> impl Iterator<Item = (f64, f64, f64)> {
    DISTANCES.into_iter().flat_map(|distance| {
        (0..DIRECTIONS).map(move |step| {
            let angle = std::f64::consts::TAU * step as f64 / DIRECTIONS as f64;
            (angle.cos(), angle.sin(), distance)
        })
    })
}

/// Points of a line, but for those at its start.
fn along([(x, y), (to_x, to_y)]: [(f64, f64); 2]) -> impl Iterator<Item = (f64, f64)> {
    const POINTS: usize = 16;
    (2..POINTS).map(move |step| step as f64 / POINTS as f64).map(move |t| (x + t * (to_x - x), y + t * (to_y - y)))
}

/// True if two lines cross.
fn crosses([a, b]: [(f64, f64); 2], [c, d]: [(f64, f64); 2]) -> bool {
    let side = |from: (f64, f64), to: (f64, f64), of: (f64, f64)| {
        (to.0 - from.0) * (of.1 - from.1) - (to.1 - from.1) * (of.0 - from.0)
    };
    side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_two_labels_overlap_and_all_are_in_the_frame(
            points in prop::collection::vec((0.0..300.0f64, 0.0..200.0f64, "[a-zA-Z日本]{0,12}"), 0..60)
        ) {
            let frame = Frame { width: 300.0, height: 200.0 };
            let labels: Vec<(f64, f64, &str)> = points.iter().map(|(x, y, text)| (*x, *y, text.as_str())).collect();
            for place in [place, place_with_lines] {
                let placed = place(&labels, 11.0, frame);
                let areas: Vec<Area> = placed
                    .iter()
                    .zip(&labels)
                    .filter_map(|(placed, (_, _, text))| Some((*placed)?.area(text, 11.0 - 1e-6)))
                    .collect();
                for (i, area) in areas.iter().enumerate() {
                    prop_assert!(area.left >= -1e-3 && area.right <= frame.width + 1e-3);
                    prop_assert!(areas[..i].iter().all(|other| !area.overlaps(other)));
                }
            }
        }
    }

    #[test]
    fn a_label_that_has_room_is_right_of_its_point_and_one_without_room_is_left_out() {
        let frame = Frame { width: 100.0, height: 40.0 };
        let placed =
            place(&[(10.0, 20.0, "cat"), (95.0, 20.0, "dog"), (50.0, 20.0, "a very long label indeed")], 10.0, frame);
        assert_eq!(placed[0].unwrap().anchor, "start");
        assert_eq!(placed[1].unwrap().anchor, "end");
        assert_eq!(placed[2], None);
    }

    #[test]
    fn a_label_without_room_beside_its_point_stands_at_the_end_of_a_line() {
        let frame = Frame { width: 200.0, height: 200.0 };
        let points: Vec<(f64, f64, &str)> =
            (0..9).map(|i| (90.0 + 8.0 * (i % 3) as f64, 90.0 + 8.0 * (i / 3) as f64, "word")).collect();
        let near = place(&points, 10.0, frame).into_iter().flatten().count();
        let all = place_with_lines(&points, 10.0, frame);
        assert!(all.iter().flatten().count() > near, "{all:?}");
        assert!(all.iter().flatten().filter(|placed| placed.line.is_some()).count() > 0);
        assert_eq!(place(&points, 10.0, frame)[0], all[0]);
    }
}
