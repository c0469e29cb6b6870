//! The ladder of one failure in plain characters: what each side sent, and what crossed on the way.

use super::page::ladder::label;
use super::page::ladder_layout::{BreakOf, LadderArrow, LadderBreak, LadderLayout};
use super::page::segments::is_lost;
use crate::base::time::Timestamp;
use crate::base::wrap::visible;
use crate::report::model::FailureRecord;
use crate::words::ladder as ladder_words;
use std::io::{self, Write};

/// Columns left of the proxy's line, and right of the backend's: a frame and a time each.
const MARGIN: usize = 20;
/// Columns between the two lines at the most.
const WIDEST: usize = 60;
/// Rows that an arrow goes down, where another crosses it.
const FALL: usize = 3;
/// Columns in which it goes down, in the middle.
const SLOPE: usize = 9;

/// One row: what stands beside both lines, and what between them.
#[derive(Default)]
struct LadderRow {
    left: String,
    between: Vec<char>,
    right: String,
    /// The lines are broken here: time passes.
    broken: bool,
}

/// Rows as they are drawn.
struct Canvas {
    rows: Vec<LadderRow>,
    width: usize,
}

/// Writes the ladder, at most `width` columns wide.
///
/// # Errors
/// When writing fails.
pub(super) fn write(
    failure: &FailureRecord,
    layout: &LadderLayout<'_>,
    names: [&str; 2],
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let between = width.saturating_sub(MARGIN.saturating_mul(2).saturating_add(2));
    let mut canvas = Canvas { rows: Vec::new(), width: between.clamp(24, WIDEST) };
    let places = Places::of(layout);
    for (arrow, place) in layout.arrows.iter().zip(&places.arrows) {
        canvas.arrow(failure, arrow, *place, &layout.arrows);
    }
    for (gap, row) in layout.breaks.iter().zip(&places.breaks) {
        canvas.pause(gap, *row);
    }
    let [proxy, backend] = names;
    writeln!(
        out,
        "{:<MARGIN$}{proxy:<1$}{backend}",
        "",
        canvas.width.saturating_add(2).saturating_sub(visible(backend))
    )?;
    canvas.write(out)
}

/// The rows of the ends of each arrow, left and right, and the first row of each pause.
struct Places {
    arrows: Vec<[usize; 2]>,
    breaks: Vec<usize>,
}

/// What needs a row of its own.
#[derive(Clone, Copy)]
enum NeedsRow {
    /// An arrow that nothing crosses.
    Whole(usize),
    /// The begin of one that is crossed, and its end.
    Begin(usize),
    End(usize),
    Pause(usize),
}

impl Places {
    fn of(layout: &LadderLayout<'_>) -> Self {
        let mut needs: Vec<(f64, NeedsRow)> = Vec::new();
        for (index, arrow) in layout.arrows.iter().enumerate() {
            let crossed = layout.arrows.iter().any(|other| other.crosses(arrow));
            let [begin, end] = if arrow.by_proxy() {
                [arrow.left, arrow.right]
            } else {
                [arrow.right, arrow.left]
            };
            if crossed {
                needs.extend([(begin, NeedsRow::Begin(index)), (end, NeedsRow::End(index))]);
            } else {
                needs.push((begin, NeedsRow::Whole(index)));
            }
        }
        let pauses = layout.breaks.iter().enumerate();
        needs.extend(pauses.map(|(index, pause)| (pause.from + 1.0, NeedsRow::Pause(index))));
        needs.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let mut places = Self {
            arrows: vec![[0; 2]; layout.arrows.len()],
            breaks: vec![0; layout.breaks.len()],
        };
        let mut row = 0_usize;
        let mut begins: Vec<(usize, usize)> = Vec::new();
        for (_, needs) in needs {
            match needs {
                NeedsRow::Pause(index) => {
                    if let Some(place) = places.breaks.get_mut(index) {
                        *place = row;
                    }
                    row = row.saturating_add(3);
                    continue;
                }
                NeedsRow::Whole(index) => places.set(layout, index, [row, row]),
                NeedsRow::Begin(index) => begins.push((index, row)),
                NeedsRow::End(index) => {
                    let begin = begins.iter().find(|(begun, _)| *begun == index);
                    let begin = begin.map_or(row, |(_, begin)| *begin);
                    row = row.max(begin.saturating_add(FALL));
                    places.set(layout, index, [begin, row]);
                }
            }
            row = row.saturating_add(1);
        }
        places
    }

    /// The rows of an arrow, from where it begins to where it ends.
    fn set(&mut self, layout: &LadderLayout<'_>, index: usize, [begin, end]: [usize; 2]) {
        let by_proxy = layout.arrows.get(index).is_some_and(|arrow| arrow.by_proxy());
        if let Some(place) = self.arrows.get_mut(index) {
            *place = if by_proxy { [begin, end] } else { [end, begin] };
        }
    }
}

impl Canvas {
    fn row(&mut self, index: usize) -> &mut LadderRow {
        while self.rows.len() <= index {
            self.rows.push(LadderRow { between: vec![' '; self.width], ..LadderRow::default() });
        }
        // The loop before has made it.
        #[expect(clippy::indexing_slicing, reason = "there are more rows than `index`")]
        &mut self.rows[index]
    }

    fn put(&mut self, row: usize, column: usize, character: char) {
        if let Some(cell) = self.row(row).between.get_mut(column) {
            let crosses = matches!((*cell, character), ('\\', '/') | ('/', '\\'));
            *cell = if crosses { 'X' } else { character };
        }
    }

    fn text(&mut self, row: usize, column: usize, text: &str) {
        for (offset, character) in text.chars().enumerate() {
            self.put(row, column.saturating_add(offset), character);
        }
    }

    fn arrow(
        &mut self,
        failure: &FailureRecord,
        arrow: &LadderArrow<'_>,
        [left, right]: [usize; 2],
        all: &[LadderArrow<'_>],
    ) {
        let [seen_left, seen_right] = arrow.seen;
        let side = |number: Option<u64>, at: Option<Timestamp>| {
            (
                number.map(|number| number.to_string()).unwrap_or_default(),
                at.map(short_time).unwrap_or_default(),
            )
        };
        let (number, at) = side(arrow.left_frame, seen_left);
        self.row(left).left = format!("{number:>6}  {at:<9}  ");
        let (number, at) = side(arrow.right_frame, seen_right);
        self.row(right).right = format!("  {at:<9}  {number}");
        let last = self.width.saturating_sub(1);
        for column in 0..self.width {
            self.line(column, [left, right]);
        }
        let name = format!(" {} ", label(failure, arrow).replace(" ·", ","));
        let room = self.width.saturating_sub(8);
        let name: String = name.chars().take(room).collect();
        if arrow.segment.side.is_none() {
            let row = self.row(left);
            row.between.fill(' ');
            self.text(left, 1, name.trim_start());
        } else if arrow.by_proxy() {
            self.text(left, 3, &name);
            self.put(right, last, '>');
        } else {
            let begin = self.width.saturating_sub(3).saturating_sub(visible(&name));
            self.text(right, begin, &name);
            self.put(left, 0, '<');
        }
        if is_lost(failure, arrow, all) {
            // Nobody is known to have received it.
            self.put(right, last, 'x');
        }
    }

    /// What an arrow has in one column: level at both sides, a fall in the middle.
    fn line(&mut self, column: usize, [left, right]: [usize; 2]) {
        let middle = self.width.checked_div(2).unwrap_or(0);
        let begin = middle.saturating_sub(SLOPE.checked_div(2).unwrap_or(0));
        let fall = column.saturating_sub(begin).min(SLOPE);
        let down = |from: usize, to: usize| {
            let way = to.saturating_sub(from).saturating_mul(fall);
            way.saturating_add(SLOPE / 2).checked_div(SLOPE).unwrap_or(0)
        };
        let (row, slope) = if left <= right {
            (left.saturating_add(down(left, right)), '\\')
        } else {
            (left.saturating_sub(down(right, left)), '/')
        };
        let level = left == right || fall == 0 || fall >= SLOPE;
        self.put(row, column, if level { '-' } else { slope });
    }

    fn pause(&mut self, pause: &LadderBreak, first: usize) {
        let text = match pause.of {
            BreakOf::Idleness => ladder_words::idle_label(pause.time),
            BreakOf::Waiting => ladder_words::waiting_label(pause.time),
            BreakOf::Time => ladder_words::passing_label(pause.time),
        };
        for row in first..first.saturating_add(3) {
            self.row(row).broken = true;
        }
        let column = self.width.saturating_sub(visible(&text)).checked_div(2).unwrap_or(0);
        self.text(first.saturating_add(1), column, &text);
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for LadderRow { left, between, right, broken } in &self.rows {
            let line = if *broken { ':' } else { '|' };
            let between: String = between.iter().collect();
            let text = format!("{left:<MARGIN$}{line}{between}{line}{right}");
            writeln!(out, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

/// Seconds and microseconds: the minute stands above.
fn short_time(at: Timestamp) -> String {
    let time = at.precise_time_of_day();
    time.rsplit_once(':').map_or(time.clone(), |(_, seconds)| seconds.to_owned())
}
