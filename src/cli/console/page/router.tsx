/** The address of the page holds what is shown, so that it can be kept, sent to somebody, and left by the back button. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

export interface Place {
  path: string;
  query: URLSearchParams;
}

const present = (): Place => ({ path: location.pathname, query: new URLSearchParams(location.search) });

/** Shows something new. A screen reader continues with it, and the next press of Tab is after it. What had the focus may be gone. */
export const toContent = (show: () => void): void => {
  show();
  scrollTo(0, 0);
  document.getElementById('main')?.focus();
};

export const go = (address: string): void =>
  toContent(() => {
    history.pushState(null, '', address);
    dispatchEvent(new PopStateEvent('popstate'));
  });

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
    }}
  >
    {given.children}
  </a>
);
