import type { Html } from './html.ts';

export const STYLE: Html = {
  html: `
      :root { color-scheme: light dark; --text: #1b1f24; --quiet: #57606a; --page: #fff; --panel: #f6f8fa; --line: #d0d7de; --good: #1a7f37; --bad: #b3261e; --area: #0969da; }
      @media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --quiet: #9da7b1; --page: #0d1117; --panel: #161b22; --line: #30363d; --good: #3fb950; --bad: #ff7b72; --area: #58a6ff; } }
      body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
      main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem; }
      h1 { font-size: 1.5rem; margin: 0; } h1, p, dd, summary { overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; } h3 { font-size: 1rem; margin: 0; }
      .quiet { color: var(--quiet); font-size: .9rem; } h1 + .quiet { margin-top: .2rem; }
      .verdict { padding: .2rem 1rem; background: var(--panel); border-left: 6px solid var(--good); border-radius: 4px; } .verdict.bad { border-color: var(--bad); }
      .verdict p { margin: .5rem 0; } .verdict strong { font-size: 1.2rem; color: var(--good); } .verdict.bad strong { color: var(--bad); }
      .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .8rem; margin: 1rem 0; }
      .figures div { background: var(--panel); border-radius: 4px; padding: .6rem .8rem; } .figures dt { color: var(--quiet); font-size: .9rem; }
      .figures dd { margin: 0; font-size: 1.5rem; font-weight: 600; } .figures dd.quiet { font-size: .8rem; font-weight: 400; }
      .scrolling { overflow-x: auto; } table { border-collapse: collapse; } th, td { padding: .3rem .8rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
      th { color: var(--quiet); font-weight: 500; } .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
      .key, code, pre { font-family: ui-monospace, monospace; overflow-wrap: anywhere; font-size: .9em; } .key, pre { white-space: pre-wrap; } td .key { display: inline-block; min-width: 9rem; } td > code { white-space: nowrap; }
      .problem { border: 1px solid var(--line); border-left: 4px solid var(--bad); border-radius: 4px; padding: .6rem 1rem; margin: .8rem 0; } .problem p { margin: .3rem 0; }
      pre { background: var(--panel); padding: .5rem .8rem; border-radius: 4px; margin: .5rem 0; }
      details { border-top: 1px solid var(--line); padding: .6rem 0; } details:first-of-type { margin-top: 2rem; } summary { cursor: pointer; font-weight: 500; }
      figure { margin: 1rem 0; } figcaption { font-size: .9rem; } svg { width: 100%; height: auto; display: block; } svg text { fill: var(--quiet); font-size: 12px; }
      .area { fill: var(--area); opacity: .6; } .area.failed { fill: var(--bad); } .axis { fill: none; stroke: var(--line); } .line { fill: var(--line); } .mark { fill: var(--text); }
      @media (max-width: 30rem) { svg text { font-size: 22px; } }
    `,
};
