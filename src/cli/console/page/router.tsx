/** The address of the page holds what is shown, so that it can be kept, sent to somebody, and left by the back button. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

export interface Place {
  path: string;
  query: URLSearchParams;
}

const present = (): Place => ({ path: location.pathname, query: new URLSearchParams(location.search) });

export const go = (address: string): void => {
  history.pushState(null, '', address);
  dispatchEvent(new PopStateEvent('popstate'));
};

export const usePlace = (): Place => {
  const [place, setPlace] = useState(present);
  useEffect(() => {
    const onChange = (): void => setPlace(present());
    addEventListener('popstate', onChange);
    return () => removeEventListener('popstate', onChange);
  }, []);
  return place;
};

/** Returns an address. Leaves out parameters without a value. */
export const address = (path: string, parameters: Record<string, string | null | undefined>): string => {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value) query.set(name, value);
  return query.size === 0 ? path : `${path}?${query}`;
};

/** A link within the page. With a modifier key the browser opens it elsewhere, as any link. */
export const Link = (given: {
  to: string;
  children: ComponentChildren;
  class?: string;
  current?: boolean;
}) => (
  <a
    href={given.to}
    class={given.class}
    aria-current={given.current ? 'page' : undefined}
    onClick={(event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      go(given.to);
      scrollTo(0, 0);
      // A screen reader goes on with what is new, and the next press of Tab is after it.
      document.getElementById('main')?.focus();
    }}
  >
    {given.children}
  </a>
);
