//! What the pages say of a batch of jobs: its state, and how many of its jobs ended in which way.

use super::tile::grouped;
use crate::model::Batch;
use maud::{Markup, html};

/// A badge that says whether the batch is finished.
pub(in crate::web) fn batch_badge(batch: &Batch) -> Markup {
    let (class, word) = match batch {
        Batch { finished_at: Some(_), .. } => ("badge tag-ok", "Finished"),
        Batch { held: true, .. } => ("badge tag-info", "Takes more jobs"),
        _ => ("badge tag-warn", "Not finished"),
    };
    html! { span class=(class) { (word) } }
}

/// A bar of the jobs that are over, in the colours of their ends, with the same in words.
pub(in crate::web) fn batch_bar(batch: &Batch) -> Markup {
    let (total, over) = (batch.total, batch.total - batch.open.min(batch.total));
    let ends =
        [("completed", batch.completed), ("failed", batch.failed), ("cancelled", batch.cancelled)];
    let percent = |count: u64| {
        let hundredths = count * 10_000 / total.max(1);
        format!("{}.{:02}%", hundredths / 100, hundredths % 100)
    };
    let mut left = 0;
    let parts = ends.map(|(end, count)| {
        let from = percent(left);
        left += count;
        (end, count, from, percent(count))
    });
    html! {
        div { (grouped(over)) " of " (grouped(total)) " jobs over" }
        svg.batch-bar aria-hidden="true" {
            @for (end, count, from, width) in parts {
                @if count > 0 { rect class={ "batch-" (end) } x=(from) width=(width) height="100%" {} }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BatchId, Timestamp};

    #[test]
    fn a_bar_has_a_part_for_each_end_that_jobs_came_to() {
        let batch = Batch {
            id: BatchId(7),
            name: "import".to_owned(),
            total: 8,
            open: 2,
            completed: 4,
            failed: 0,
            cancelled: 2,
            held: false,
            has_then: true,
            then_id: None,
            created_at: Timestamp::from_millis(0),
            finished_at: None,
        };
        let bar = batch_bar(&batch).into_string();
        assert!(bar.contains("6 of 8 jobs over"), "{bar}");
        assert!(bar.contains(r#"class="batch-completed" x="0.00%" width="50.00%""#), "{bar}");
        assert!(bar.contains(r#"class="batch-cancelled" x="50.00%" width="25.00%""#), "{bar}");
        assert!(!bar.contains("batch-failed"), "{bar}");
        let empty = Batch { total: 0, open: 0, completed: 0, cancelled: 0, ..batch };
        assert!(batch_bar(&empty).into_string().contains("0 of 0 jobs over"));
    }
}
