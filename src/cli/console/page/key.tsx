/** What happened to one object, and what the next hint about it would do. */
import type { Explanation, Session } from '../api.ts';
import { Command, SearchForm, Shown, Text, TextField } from './parts.tsx';
import { address, type Place } from './router.tsx';
import { useServer } from './server-data.ts';

export const KeyPage = ({ session, place }: { session: Session; place: Place }) => {
  const uri = place.query.get('uri') ?? '';
  const version = place.query.get('version');
  const path = uri === '' ? null : address('/api/explain', { uri, version });
  const loaded = useServer<Explanation>(path);
  const [first] = session.rules;
  return (
    <>
      <SearchForm name="A key" path="/key" onSame={loaded.reload}>
        <TextField
          name="uri"
          label="Source object or replica"
          hint={`s3://${first?.bucket ?? 'bucket'}/${first?.prefix ?? ''}…`}
          value={uri}
          form={{ title: 's3://bucket/key', pattern: String.raw`s3:\/\/[^\/]+\/.+` }}
        />
        <TextField name="version" label="Version" hint="the current one" value={version} />
        <div class="buttons">
          <button class="primary" disabled={loaded.isLoading}>
            {loaded.isLoading ? 'Asking…' : 'Explain'}
          </button>
        </div>
      </SearchForm>
      <div aria-live="polite">
        {path === null ? (
          <p class="empty">Both buckets are looked at with the role that replicates. Nothing is changed.</p>
        ) : (
          <Shown loaded={loaded} what="both buckets">
            {({ stories }) =>
              stories.map((story) => <Story key={`${story.rule} ${story.destination}`} story={story} />)
            }
          </Shown>
        )}
      </div>
    </>
  );
};

const Story = ({ story }: { story: Explanation['stories'][number] }) => (
  <section class="panel story">
    <h2>{story.headline}</h2>
    {story.rule === null ? null : (
      <p class="quiet">
        {story.rule} → {story.destination}
      </p>
    )}
    <dl>
      {story.lines.map(({ label, text }, index) => (
        <div key={`${index} ${label}`}>
          <dt>{label}</dt>
          <dd>{text.startsWith('npx s3-replicator ') ? <Command words={text} /> : <Text of={text} />}</dd>
        </div>
      ))}
    </dl>
  </section>
);
