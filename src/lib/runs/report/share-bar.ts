/** An estimated amount and the used amount as one bar, drawn as an SVG image. */
import { html, type Html } from './html.ts';

const WIDTH = 720;

/** Draws the bar. The bar shows the used amount, and the line marks the estimate. The larger of the two determines the scale. */
export const shareBar = (
  name: string,
  [estimated, used]: readonly [number, number],
  text: (amount: number) => string,
): Html => {
  const most = Math.max(estimated, used);
  const x = (amount: number): number => (most === 0 ? 0 : Math.round((amount / most) * (WIDTH - 4)));
  const spoken = `${name}: ${text(used)} used, ${text(estimated)} estimated`;
  return html`<figure class="bar">
    <figcaption>${spoken}</figcaption>
    <svg viewBox="0 0 ${WIDTH} 20" role="img" aria-label="${spoken}">
      <rect class="line" x="0" y="4" width="${WIDTH}" height="12" />
      <rect class="area" x="0" y="4" width="${x(used)}" height="12" />
      <rect class="mark" x="${x(estimated)}" y="0" width="4" height="20" />
    </svg>
  </figure>`;
};
