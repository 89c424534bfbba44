import { formatBytes, formatDuration } from '../terminal/amounts.ts';
import { escapeLine } from '../terminal/escape.ts';
import type { Style } from '../terminal/style.ts';
import { outcomeMarks, type ProgressEvent } from './progress.ts';

export interface ProgressTarget {
  readonly write: (text: string) => void;
  readonly style: Style;
  readonly verbose: boolean;
  readonly now: () => number;
}

interface Running {
  readonly title: string;
  readonly startedAt: number;
  done: number;
  unit: 'bytes' | 'items';
}

/** A line when a stage ends, and nothing that moves: for files, pipes and unknown CI systems. */
export function createPlainProgress(target: ProgressTarget): (event: ProgressEvent) => void {
  const running = new Map<string, Running>();
  const print = (text: string) => target.write(`${escapeLine(text)}\n`);
  return event => {
    switch (event.type) {
      case 'start':
        running.set(event.id, { title: event.title, startedAt: target.now(), done: 0, unit: 'items' });
        break;
      case 'amount': {
        const stage = running.get(event.id);
        if (stage) Object.assign(stage, { done: event.done, unit: event.unit });
        break;
      }
      case 'end': {
        const stage = running.get(event.id);
        running.delete(event.id);
        if (stage) print(describeEnd(stage, event.outcome, target.now(), event.detail));
        break;
      }
      case 'note':
        print(event.level === 'warning' ? `warning: ${event.text}` : event.text);
        break;
      case 'detail':
        if (target.verbose) print(`· ${event.text}`);
        break;
    }
  };
}

export function describeEnd(
  stage: Running,
  outcome: keyof typeof outcomeMarks,
  now: number,
  detail?: string,
): string {
  const amount = stage.unit === 'bytes' && stage.done > 0 ? `, ${formatBytes(stage.done)}` : '';
  const more = detail === undefined ? '' : `: ${detail}`;
  return `${outcomeMarks[outcome]} ${stage.title}${more} (${formatDuration(now - stage.startedAt)}${amount})`;
}
