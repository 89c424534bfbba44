import { formatDuration } from '../../ground/terminal/amounts.ts';
import { escapeLine } from '../../ground/terminal/escape.ts';
import type { Style } from '../../ground/terminal/style.ts';
import type { StoryEvent } from '../../workflow/up/story/teller.ts';

/** One event of the story as lines for a person. */
export function renderStoryEvent(event: StoryEvent, style: Style): string {
  switch (event.kind) {
    case 'chapter':
      return `\n${style.bold(`${event.number}. ${escapeLine(event.title)}`)}\n`;
    case 'line':
      return `   ${escapeLine(event.text)}\n`;
    case 'claim': {
      const mark = event.holds ? style.green('✓') : style.red('✗');
      const actual = event.actual === undefined ? '' : `: ${escapeLine(event.actual)}`;
      return `   ${mark} ${escapeLine(event.text)}${actual}\n`;
    }
    case 'end':
      return `   ${style.dim(formatDuration(event.milliseconds))}\n`;
  }
}
