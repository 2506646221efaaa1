/** What doctor finds, each with its fix. */
import { countOf } from '../../../lib/text/amounts.ts';
import type { Doctor } from '../api.ts';
import { Shown } from './parts.tsx';
import { useServer } from './server-data.ts';
import { clock } from './words.ts';

export const DoctorPage = () => {
  const loaded = useServer<Doctor>('/api/doctor');
  const { isLoading, reload } = loaded;
  return (
    <>
      <p class="buttons">
        <button type="button" disabled={isLoading} onClick={reload}>
          {isLoading ? 'Examining…' : 'Examine again'}
        </button>
      </p>
      <div aria-live="polite">
        <Shown loaded={loaded} what="the stack, its buckets and its rules, which takes some seconds">
          {(report) => <Report report={report} />}
        </Shown>
      </div>
    </>
  );
};

const Report = ({ report }: { report: Doctor }) => {
  const { errors, warnings, destinations, sound, findings } = report;
  return (
    <>
      <div class={`verdict ${errors > 0 ? 'bad' : 'good'}`}>
        <p>
          <strong>
            {countOf(errors, 'error')}, {countOf(warnings, 'warning')}.
          </strong>{' '}
          {destinations === 0
            ? ''
            : `${sound} of ${countOf(destinations, 'destination')} without an error in the way.`}
        </p>
        <p class="quiet">
          {report.account === null ? 'No credentials' : `Account ${report.account} (${report.caller})`},
          version {report.version}, deployed {report.deployedVersion ?? 'nothing'}, at {clock(report.at)} in{' '}
          {report.seconds} s
        </p>
      </div>
      {[...Map.groupBy(findings, ({ group }) => group)].map(([group, some]) => (
        <Group key={group} name={group} findings={some} />
      ))}
    </>
  );
};

type Finding = Doctor['findings'][number];

const Group = ({ name, findings }: { name: string; findings: readonly Finding[] }) => {
  const bySubject = [...Map.groupBy(findings, ({ subject }) => subject)];
  return (
    <section class="findings" aria-label={name}>
      <h2>{name}</h2>
      {bySubject.map(([subject, some]) => (
        <div key={subject}>
          {subject === '' ? null : <h3>{subject}</h3>}
          <ul>
            {some
              .toSorted((one, other) => Number(other.verdict === 'ok') - Number(one.verdict === 'ok'))
              .map((finding, index) => (
                <Line key={`${index} ${finding.text}`} finding={finding} />
              ))}
          </ul>
        </div>
      ))}
    </section>
  );
};

const MARKS = {
  ok: ['✔', 'in order'],
  warning: ['!', 'warning'],
  error: ['✘', 'error'],
  'not-checked': ['?', 'not checked'],
} as const;

const Line = ({ finding: { verdict, text, edit, fix, fixAccount } }: { finding: Finding }) => (
  <li class={verdict}>
    <span class={`mark ${verdict}`} role="img" aria-label={MARKS[verdict][1]}>
      {MARKS[verdict][0]}
    </span>
    <div>
      {text}
      {edit === null ? null : <p class="fix">{edit}</p>}
      {fix === null || fix === '' ? null : (
        <p class="fix">
          <code>{fix}</code> {fixAccount === null ? null : <span class="quiet">in account {fixAccount}</span>}
        </p>
      )}
    </div>
  </li>
);
