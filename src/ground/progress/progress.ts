/** What long work reports while it runs. Who shows it decides how. */
export type ProgressEvent =
  | { readonly type: 'start'; readonly id: string; readonly title: string }
  | {
      readonly type: 'amount';
      readonly id: string;
      readonly done: number;
      readonly total?: number;
      readonly unit: 'bytes' | 'items';
    }
  | { readonly type: 'end'; readonly id: string; readonly outcome: Outcome; readonly detail?: string }
  | {
      readonly type: 'note';
      readonly level: 'info' | 'warning';
      readonly text: string;
      readonly place?: Place;
    }
  /** Only shown with --verbose. */
  | { readonly type: 'detail'; readonly text: string };

export type Outcome = 'done' | 'failed' | 'skipped';

export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

export type Progress = (event: ProgressEvent) => void;

export const noProgress: Progress = () => {};

/** Runs one stage of work and reports how it began and ended. */
export async function stage<T>(
  progress: Progress,
  title: string,
  work: (id: string) => Promise<T>,
): Promise<T> {
  const id = `${title}#${++stages}`;
  progress({ type: 'start', id, title });
  try {
    const result = await work(id);
    progress({ type: 'end', id, outcome: 'done' });
    return result;
  } catch (error) {
    progress({ type: 'end', id, outcome: 'failed' });
    throw error;
  }
}

let stages = 0;

export const outcomeMarks: Record<Outcome, string> = { done: '✓', failed: '✗', skipped: '◦' };
