/** Small plots within a row. */
import type { ComponentChildren } from 'preact';

const WIDTH = 120;
const HEIGHT = 26;

/**
 * Draws amounts as columns from left to right. `null` leaves a gap. `slots` is how many columns the whole width has. The plot has the same
 * size whatever it shows, so nothing moves when amounts arrive.
 */
export const Sparkline = (given: { amounts: readonly (number | null)[]; slots: number; label: string }) => {
  const { amounts, slots, label } = given;
  const most = Math.max(0, ...amounts.map((each) => each ?? 0));
  const step = WIDTH / slots;
  const path = amounts
    .map((each, index) => {
      if (each === null || most === 0) return '';
      const height = Math.max(each > 0 ? 1.5 : 0, (each / most) * (HEIGHT - 2));
      return `M${(index * step).toFixed(1)} ${HEIGHT}v${(-height).toFixed(1)}h${Math.max(step - 0.6, 0.8).toFixed(1)}v${height.toFixed(1)}z`;
    })
    .join('');
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path class="floor" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
      <path class="area" d={path} />
    </svg>
  );
};

/** A bar that fills from the left. `done` is a share from 0 to 1; null: unknown. */
export const Bar = ({ done, label }: { done: number | null; label: string }) => (
  <progress aria-label={label} {...(done === null ? {} : { value: done })} />
);

/** A row of a list: what moves, how far it is, and what there is to say about it. */
export const Moving = (given: {
  name: ComponentChildren;
  label: string;
  done: number | null;
  /** No bar is shown for what no longer moves. */
  isOver?: boolean;
  children: ComponentChildren;
}) => (
  <li class="moving">
    <span>{given.name}</span>
    {given.isOver ? <span /> : <Bar done={given.done} label={given.label} />}
    <span class="amount">{given.children}</span>
  </li>
);
