import { formatBytes, formatDuration } from '../terminal/amounts.ts';
import { escapeForTerminal } from '../terminal/escape.ts';
import { createPlainProgress, type ProgressTarget } from './plain.ts';
import type { Progress } from './progress.ts';

export interface TerminalTarget extends ProgressTarget {
  readonly columns: () => number;
}

interface Live {
  readonly title: string;
  readonly startedAt: number;
  done: number;
  total: number | undefined;
  unit: 'bytes' | 'items';
}

const redrawEvery = 100;
/** Work that is over sooner never shows a moving line. */
const showAfter = 1000;

/** A terminal: finished stages scroll by, the running ones are one line that moves, with rate and time left. */
export function createTerminalProgress(target: TerminalTarget): Progress & { close(): void } {
  const live = new Map<string, Live>();
  let drawn = false;
  const erase = () => {
    if (drawn) target.write('\r\u001b[2K');
    drawn = false;
  };
  const plain = createPlainProgress({
    ...target,
    write: text => {
      erase();
      target.write(text);
    },
  });
  const draw = () => {
    const newest = [...live.values()].at(-1);
    if (newest === undefined || target.now() - newest.startedAt < showAfter) return;
    erase();
    target.write(target.style.dim(fit(describe(newest, live.size, target.now()), target.columns())));
    drawn = true;
  };
  const timer = setInterval(draw, redrawEvery);
  timer.unref();
  const progress: Progress = event => {
    if (event.type === 'start') {
      live.set(event.id, {
        title: event.title,
        startedAt: target.now(),
        done: 0,
        total: undefined,
        unit: 'items',
      });
    }
    if (event.type === 'amount') {
      const stage = live.get(event.id);
      if (stage) Object.assign(stage, { done: event.done, total: event.total, unit: event.unit });
    }
    if (event.type === 'end') live.delete(event.id);
    plain(event);
  };
  return Object.assign(progress, {
    close: () => {
      clearInterval(timer);
      erase();
    },
  });
}

function describe(stage: Live, running: number, now: number): string {
  const elapsed = now - stage.startedAt;
  const others = running > 1 ? ` (+${running - 1})` : '';
  const parts = [`… ${stage.title}${others}`, formatDuration(elapsed)];
  if (stage.unit === 'bytes' && stage.done > 0) {
    const total = stage.total === undefined ? '' : ` of ${formatBytes(stage.total)}`;
    parts.push(`${formatBytes(stage.done)}${total}`, `${formatBytes((stage.done / elapsed) * 1000)}/s`);
  } else if (stage.total !== undefined) {
    parts.push(`${stage.done} of ${stage.total}`);
  }
  if (stage.total !== undefined && stage.done > 0 && elapsed > 5000) {
    parts.push(`${formatDuration((elapsed / stage.done) * (stage.total - stage.done))} left`);
  }
  return escapeForTerminal(parts.join('  '));
}

function fit(text: string, columns: number): string {
  const characters = [...text];
  return characters.length < columns ? text : `${characters.slice(0, Math.max(1, columns - 2)).join('')}…`;
}
