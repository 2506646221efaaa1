/** Small plots within a row. */

const WIDTH = 120;
const HEIGHT = 26;

/**
 * Draws amounts as columns from left to right. `null` leaves a gap. `slots` is how many columns the whole width has. The plot has the same
 * size whatever it shows, so nothing moves when amounts arrive.
 */
export const Sparkline = (given: {
  amounts: readonly (number | null)[];
  slots: number;
  label: string;
  kind?: 'failed' | 'lag';
}) => {
  const { amounts, slots, label, kind = '' } = given;
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
      class={`spark ${kind}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path class="floor" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
      <path class="columns" d={path} />
    </svg>
  );
};

/** A bar that fills from the left. `done` is a share from 0 to 1; null: unknown. */
export const Bar = ({ done, label }: { done: number | null; label: string }) => (
  <svg
    class="bar"
    viewBox="0 0 100 6"
    preserveAspectRatio="none"
    role="progressbar"
    aria-label={label}
    aria-valuemin={0}
    aria-valuemax={100}
    aria-valuenow={done === null ? undefined : Math.floor(done * 100)}
  >
    <rect class="track" width="100" height="6" />
    <rect class="fill" width={done === null ? 0 : done * 100} height="6" />
  </svg>
);
