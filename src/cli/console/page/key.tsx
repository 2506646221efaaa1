/** What happened to one object, and what the next hint about it would do. */
import { printable } from '../../../lib/text/printable.ts';
import type { Explanation, Session } from '../api.ts';
import { Command, SearchForm, Shown, TextField } from './parts.tsx';
import { address, type Place } from './router.tsx';
import { type Loaded, useServer } from './server-data.ts';

export const KeyPage = ({ session, place }: { session: Session; place: Place }) => {
  const uri = place.query.get('uri') ?? '';
  const version = place.query.get('version');
  const path = uri === '' ? null : address('/api/explain', { uri, version });
  const loaded = useServer<Explanation>(path);
  return (
    <>
      <KeyForm key={uri} uri={uri} version={version} session={session} loaded={loaded} />
      <div aria-live="polite">
        {path === null ? (
          <p class="empty">Both buckets are looked at with the role that replicates. Nothing is changed.</p>
        ) : (
          <Shown loaded={loaded} what="both buckets">
            {({ stories }) =>
              stories.map((story) => (
                <Story key={`${story.rule} ${story.destination}`} story={story} suffix={session.suffix} />
              ))
            }
          </Shown>
        )}
      </div>
    </>
  );
};

const KeyForm = (given: {
  uri: string;
  version: string | null;
  session: Session;
  loaded: Loaded<Explanation>;
}) => {
  const { isLoading, reload } = given.loaded;
  const [first] = given.session.rules;
  return (
    <SearchForm name="A key" path="/key" onSame={reload}>
      <label class="wide">
        Source object or replica
        <input
          name="uri"
          defaultValue={given.uri}
          placeholder={`s3://${first?.bucket ?? 'bucket'}/${first?.prefix ?? ''}…`}
          autocomplete="off"
          spellcheck={false}
          required
          pattern="s3:\/\/[^\/]+\/.+"
          title="s3://bucket/key"
        />
      </label>
      <TextField name="version" label="Version" hint="the current one" value={given.version} />
      <div class="buttons">
        <button class="primary" disabled={isLoading}>
          {isLoading ? 'Asking…' : 'Explain'}
        </button>
      </div>
    </SearchForm>
  );
};

const Story = ({ story, suffix }: { story: Explanation['stories'][number]; suffix: string }) => (
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
          <dd>
            {text.startsWith('npx s3-replicator ') ? (
              <Command words={text.slice('npx s3-replicator '.length).replace(suffix, '')} suffix={suffix} />
            ) : (
              <bdi>{printable(text)}</bdi>
            )}
          </dd>
        </div>
      ))}
    </dl>
  </section>
);
