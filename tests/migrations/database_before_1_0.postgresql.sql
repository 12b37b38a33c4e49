CREATE TABLE public.articles_alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.articles_article (
    id bigint NOT NULL,
    slug character varying NOT NULL,
    author_id bigint NOT NULL,
    title character varying NOT NULL,
    description character varying NOT NULL,
    tag_list json NOT NULL,
    favorites_count integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    body character varying NOT NULL,
    CONSTRAINT ck_articles_article_favorites_count CHECK ((favorites_count >= 0))
);
CREATE SEQUENCE public.articles_article_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.articles_article_id_seq OWNED BY public.articles_article.id;
CREATE TABLE public.articles_author (
    author_id bigint NOT NULL,
    articles integer NOT NULL,
    latest_at timestamp with time zone,
    CONSTRAINT ck_articles_author_articles CHECK ((articles >= 0))
);
CREATE TABLE public.articles_favorite (
    article_id bigint NOT NULL,
    user_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE TABLE public.articles_reader (
    user_id bigint NOT NULL,
    articles integer NOT NULL,
    CONSTRAINT ck_articles_reader_articles CHECK ((articles >= 0))
);
CREATE TABLE public.articles_tag (
    article_id bigint NOT NULL,
    tag character varying NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE TABLE public.articles_tag_use (
    tag character varying NOT NULL,
    articles integer NOT NULL,
    CONSTRAINT ck_articles_tag_use_articles CHECK ((articles >= 0))
);
CREATE TABLE public.comments_alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.comments_comment (
    id bigint NOT NULL,
    article_id bigint NOT NULL,
    author_id bigint NOT NULL,
    body character varying NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.comments_comment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.comments_comment_id_seq OWNED BY public.comments_comment.id;
CREATE TABLE public.kernel_alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.kernel_delivery (
    id bigint NOT NULL,
    subscriber character varying NOT NULL,
    event character varying NOT NULL,
    aggregate character varying NOT NULL,
    payload character varying NOT NULL,
    published_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    held_by character varying,
    attempts integer NOT NULL,
    error character varying
);
CREATE SEQUENCE public.kernel_delivery_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.kernel_delivery_id_seq OWNED BY public.kernel_delivery.id;
CREATE TABLE public.kernel_keyed_request (
    caller bigint NOT NULL,
    key character varying NOT NULL,
    fingerprint character varying NOT NULL,
    answer character varying NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.profiles_alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.profiles_follow (
    follower_id bigint NOT NULL,
    followed_id bigint NOT NULL
);
CREATE TABLE public.users_account (
    id bigint NOT NULL,
    username character varying NOT NULL,
    username_key character varying NOT NULL,
    email character varying NOT NULL,
    email_key character varying NOT NULL,
    bio character varying,
    image character varying,
    password_hash character varying NOT NULL,
    token_version integer NOT NULL,
    CONSTRAINT ck_users_account_token_version CHECK ((token_version >= 0))
);
CREATE SEQUENCE public.users_account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.users_account_id_seq OWNED BY public.users_account.id;
CREATE TABLE public.users_alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.users_attempt (
    key character varying NOT NULL,
    number integer NOT NULL,
    expires_at double precision NOT NULL
);
ALTER TABLE ONLY public.articles_article ALTER COLUMN id SET DEFAULT nextval('public.articles_article_id_seq'::regclass);
ALTER TABLE ONLY public.comments_comment ALTER COLUMN id SET DEFAULT nextval('public.comments_comment_id_seq'::regclass);
ALTER TABLE ONLY public.kernel_delivery ALTER COLUMN id SET DEFAULT nextval('public.kernel_delivery_id_seq'::regclass);
ALTER TABLE ONLY public.users_account ALTER COLUMN id SET DEFAULT nextval('public.users_account_id_seq'::regclass);
INSERT INTO public.articles_alembic_version VALUES ('0001');
INSERT INTO public.articles_article VALUES (1, 'thinking-clearly-about-logging-in-open-data', 3, 'Thinking clearly about logging in open data', 'It sounds easier than it is: logging, and how we got there.', '["data"]', 25, '2025-04-01 18:06:29.83+00', '2025-04-01 18:06:29.83+00', 'Most of what is written about logging assumes a large team and a quiet week. We had neither. None of this is new; what was new to us was doing it every time. We wrote the decision down, with the options that we did not take and why.
## The smallest thing that works
The surprise was how little had to change in open data. In hindsight the warning signs were all there, in logs that nobody read. For open data, that meant one change at a time, each of them easy to undo.
![What the dashboard showed](data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAeAAAACgAgMAAACplVfeAAAADFBMVEX4+foqb5fnb1HO1NrNAjunAAAAp0lEQVR42u3YOw6AIBAFQC/pJb3kmmirUXEBP/MqKuZtAs0Og4hIecYlYDAYDH4H3LgCGAwGg5PgimXA4EpwxHp1xNEpNzsTN/nbYDAYDAaDwWBwPzi9AhgMBoObwLfKgBvB5/dcuVuwoomTXjoYDAaDwWAwGPxUuKACGAwGg8Hg5D3X1d1XhYlPzw4Gg9MqgMGvhjcrgMEfgaclYDAYDAaDwf+Co1NmZ2gXaPaxjgwAAAAASUVORK5CYII=)
## Rules of thumb
- Leave a note for whoever comes next: it may be you.
- Review logging every quarter and throw out what nobody needed.
- Automate the third time, not the first.
- Name things after what they are, not after how they are made.
- Ask somebody who was not in the room to read it.
It helps to say out loud what we expect from logging before arguing about how. The numbers are from our own systems, so take them as a direction and not as a promise.
> Every line that you do not write is a line that never wakes you up.
## In code
The core of it fits on one screen:
```python
weekly = (
    visits.assign(week=visits["at"].dt.to_period("W"))
    .groupby(["week", "source"])["visitor"]
    .nunique()
    .unstack(fill_value=0)
)
```
## How it looks today
We deleted more than we added, and nothing was missed. Users never noticed, and that was the point. Half of the work was agreeing on what good looks like. For the details I keep coming back to [the Apache Arrow documentation](https://arrow.apache.org/docs/).
Try it for two weeks. If it does not help, you have lost very little.
');
INSERT INTO public.articles_article VALUES (2, 'seven-habits-for-conventions-in-wide-tables', 7, 'Seven habits for conventions in wide tables', 'The checklist for conventions that we should have had on the first day.', '["css", "career"]', 1, '2025-06-23 10:06:42.681+00', '2025-06-23 10:06:42.681+00', 'A colleague asked me last week how we do conventions, and my answer took an hour. This is the short one. In hindsight the warning signs were all there, in logs that nobody read. Every exception that we allowed came back within a month, usually on a Friday.
## Where we started
The cheapest improvement was a better name. The first version was a few lines long, and it served us for months. What looked like a question of conventions turned out to be a question of who decides.
## What it looks like
Here is the part that people ask about:
```css
.cards {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr));
  gap: 1.5rem;
}
@media (prefers-color-scheme: dark) {
  .cards { background: #14213d; color: #f1faee; }
}
```
For wide tables, that meant one change at a time, each of them easy to undo. The numbers are from our own systems, so take them as a direction and not as a promise.
## What to look at first
1. Look at the slowest case before the average one.
2. **Start from the symptom.** Write down what a person sees, not what you suspect.
3. Delete what you replaced on the same day.
4. Ask somebody who was not in the room to read it.
## Making it stick
Once we could see conventions on a dashboard, the discussion became much shorter. We measured before and after, because memory is kind to whoever did the work. Two of us paired on it for an afternoon, and the rest of the team read along. For the details I keep coming back to [MDN on CSS](https://developer.mozilla.org/docs/Web/CSS).
Try it for two weeks. If it does not help, you have lost very little.
');
INSERT INTO public.articles_article VALUES (3, 'the-quiet-importance-of-measurement-in-plain-javascript', 6, 'The quiet importance of measurement in plain JavaScript', 'A short read for whoever is about to touch plain JavaScript.', '["javascript"]', 0, '2025-12-12 19:24:04.943+00', '2025-12-12 19:24:04.943+00', 'A colleague asked me last week how we do measurement, and my answer took an hour. This is the short one. The numbers are from our own systems, so take them as a direction and not as a promise. The surprise was how little had to change in plain JavaScript.
## The plan
The cheapest improvement was a better name. What looked like a question of measurement turned out to be a question of who decides. Users never noticed, and that was the point.
## Show me
This is what we ended up with:
```javascript
export function debounce(action, milliseconds) {
  let timer;
  return (...details) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...details), milliseconds);
  };
}
```
We deleted more than we added, and nothing was missed. Once we could see measurement on a dashboard, the discussion became much shorter.
> Every line that you do not write is a line that never wakes you up.
## In short
- Put a number on it, even a rough one.
- Review measurement every quarter and throw out what nobody needed.
- Look at the slowest case before the average one.
## The smallest thing that works
None of this is new; what was new to us was doing it every time. We wrote the decision down, with the options that we did not take and why. A new colleague found the gap in her first week, just by following the instructions. If you want to go deeper, [MDN on JavaScript](https://developer.mozilla.org/docs/Web/JavaScript) is worth an evening.
Next time I will write about what we would leave out.
');
INSERT INTO public.articles_article VALUES (4, 'how-to-train-your-dragon', 51, 'How to train your dragon', 'Ever wonder how?', '["dragons", "training"]', 1, '2026-11-29 04:59:02.892+00', '2026-11-29 04:59:02.892+00', 'You have to believe.');
INSERT INTO public.articles_author VALUES (0, 4, '2026-11-29 04:59:02.892+00');
INSERT INTO public.articles_author VALUES (3, 1, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_author VALUES (7, 1, '2025-06-23 10:06:42.681+00');
INSERT INTO public.articles_author VALUES (6, 1, '2025-12-12 19:24:04.943+00');
INSERT INTO public.articles_author VALUES (51, 1, '2026-11-29 04:59:02.892+00');
INSERT INTO public.articles_favorite VALUES (1, 1, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 2, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 4, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 5, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 7, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 8, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 9, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 11, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 12, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 13, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 15, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 16, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 17, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 18, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 19, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 20, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 21, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 23, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 27, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 30, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 35, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 37, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 39, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 43, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (1, 49, '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_favorite VALUES (2, 22, '2025-06-23 10:06:42.681+00');
INSERT INTO public.articles_favorite VALUES (4, 51, '2026-11-29 04:59:02.892+00');
INSERT INTO public.articles_reader VALUES (1, 1);
INSERT INTO public.articles_reader VALUES (2, 1);
INSERT INTO public.articles_reader VALUES (4, 1);
INSERT INTO public.articles_reader VALUES (5, 1);
INSERT INTO public.articles_reader VALUES (7, 1);
INSERT INTO public.articles_reader VALUES (8, 1);
INSERT INTO public.articles_reader VALUES (9, 1);
INSERT INTO public.articles_reader VALUES (11, 1);
INSERT INTO public.articles_reader VALUES (12, 1);
INSERT INTO public.articles_reader VALUES (13, 1);
INSERT INTO public.articles_reader VALUES (15, 1);
INSERT INTO public.articles_reader VALUES (16, 1);
INSERT INTO public.articles_reader VALUES (17, 1);
INSERT INTO public.articles_reader VALUES (18, 1);
INSERT INTO public.articles_reader VALUES (19, 1);
INSERT INTO public.articles_reader VALUES (20, 1);
INSERT INTO public.articles_reader VALUES (21, 1);
INSERT INTO public.articles_reader VALUES (23, 1);
INSERT INTO public.articles_reader VALUES (27, 1);
INSERT INTO public.articles_reader VALUES (30, 1);
INSERT INTO public.articles_reader VALUES (35, 1);
INSERT INTO public.articles_reader VALUES (37, 1);
INSERT INTO public.articles_reader VALUES (39, 1);
INSERT INTO public.articles_reader VALUES (43, 1);
INSERT INTO public.articles_reader VALUES (49, 1);
INSERT INTO public.articles_reader VALUES (22, 1);
INSERT INTO public.articles_reader VALUES (51, 1);
INSERT INTO public.articles_tag VALUES (1, 'data', '2025-04-01 18:06:29.83+00');
INSERT INTO public.articles_tag VALUES (2, 'css', '2025-06-23 10:06:42.681+00');
INSERT INTO public.articles_tag VALUES (2, 'career', '2025-06-23 10:06:42.681+00');
INSERT INTO public.articles_tag VALUES (3, 'javascript', '2025-12-12 19:24:04.943+00');
INSERT INTO public.articles_tag VALUES (4, 'dragons', '2026-11-29 04:59:02.892+00');
INSERT INTO public.articles_tag VALUES (4, 'training', '2026-11-29 04:59:02.892+00');
INSERT INTO public.articles_tag_use VALUES ('data', 1);
INSERT INTO public.articles_tag_use VALUES ('css', 1);
INSERT INTO public.articles_tag_use VALUES ('career', 1);
INSERT INTO public.articles_tag_use VALUES ('javascript', 1);
INSERT INTO public.articles_tag_use VALUES ('dragons', 1);
INSERT INTO public.articles_tag_use VALUES ('training', 1);
INSERT INTO public.comments_alembic_version VALUES ('0002');
INSERT INTO public.comments_comment VALUES (1, 1, 12, 'The hard part is keeping it up, in my experience.', '2025-04-01 19:16:55.291+00');
INSERT INTO public.kernel_alembic_version VALUES ('0002');
INSERT INTO public.kernel_delivery VALUES (1, 'search', 'ArticlePublished', 'article_id 4', '{"article_id":4}', '2026-11-29 05:00:00+00', NULL, '0123456789abcdef', 12, 'LookupError: it failed');
INSERT INTO public.kernel_keyed_request VALUES (0, 'register-jake', '4e47006560a9f88eb5a4429b3dfa47bb3693f3f50785a4dcb8c24be54c512e3b', '51', '9999-12-31 00:00:00+00');
INSERT INTO public.kernel_keyed_request VALUES (51, 'publish-dragon', '31be6e723d64aa48c0599b4e6722382207a8c3c3b794871cdb4aa9901c8a0151', '{"article":{"slug":"how-to-train-your-dragon","title":"How to train your dragon","description":"Ever wonder how?","tagList":["dragons","training"],"createdAt":"2026-11-29T04:59:02.892Z","updatedAt":"2026-11-29T04:59:02.892Z","favorited":false,"favoritesCount":0,"author":{"username":"jake","bio":null,"image":null,"following":false},"body":"You have to believe."}}', '9999-12-31 00:00:00+00');
INSERT INTO public.profiles_alembic_version VALUES ('0002');
INSERT INTO public.profiles_follow VALUES (1, 2);
INSERT INTO public.profiles_follow VALUES (1, 3);
INSERT INTO public.profiles_follow VALUES (1, 4);
INSERT INTO public.profiles_follow VALUES (1, 5);
INSERT INTO public.profiles_follow VALUES (1, 6);
INSERT INTO public.profiles_follow VALUES (2, 3);
INSERT INTO public.profiles_follow VALUES (2, 4);
INSERT INTO public.profiles_follow VALUES (2, 6);
INSERT INTO public.profiles_follow VALUES (3, 1);
INSERT INTO public.profiles_follow VALUES (3, 4);
INSERT INTO public.profiles_follow VALUES (3, 6);
INSERT INTO public.profiles_follow VALUES (4, 2);
INSERT INTO public.profiles_follow VALUES (6, 2);
INSERT INTO public.users_account VALUES (1, 'johndoe', 'johndoe', 'john@example.com', 'john@example.com', 'I try things out here, so that nobody else has to.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyNjQ2NTMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkpEPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (2, 'ama_mensah', 'ama_mensah', 'ama_mensah@example.com', 'ama_mensah@example.com', 'Frontend developer. Ask me about birds, or about maps.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyZjZiM2YiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkFNPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (3, 'anna.kowalska', 'anna.kowalska', 'anna.kowalska@example.com', 'anna.kowalska@example.com', 'Engineering manager. Fond of typography and readable code.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM0YTRlNjkiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkFLPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (4, 'chen-mei', 'chen-mei', 'chen-mei@example.com', 'chen-mei@example.com', 'Computer science teacher. Fond of readable code and bicycles.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM2YTRjOTMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPk1DPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (5, 'aikotanaka', 'aikotanaka', 'aikotanaka@example.com', 'aikotanaka@example.com', 'I live in Durban and care about pottery. Mobile developer by day.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM4ZjJkNTYiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkFUPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (6, 'sharma-priya', 'sharma-priya', 'sharma-priya@example.com', 'sharma-priya@example.com', 'Engineering manager in Hanoi. I write about databases and good error messages.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM0YTRlNjkiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPlBTPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (7, 'garcia-lucia', 'garcia-lucia', 'garcia-lucia@example.com', 'garcia-lucia@example.com', 'Technical writer in Nairobi. I write about databases and mechanical keyboards.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyNjQ2NTMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkxHPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (8, 'ines_silva', 'ines_silva', 'ines_silva@example.com', 'ines_silva@example.com', 'I live in Galway and care about good error messages. Product designer by day.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM0YTRlNjkiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPklTPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (9, 'amelie.dubois', 'amelie.dubois', 'amelie.dubois@example.com', 'amelie.dubois@example.com', 'I live in Wellington and care about mechanical keyboards. Engineering manager by day.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiNiNTUyM2IiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkFEPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (10, 'greta.schmidt', 'greta.schmidt', 'greta.schmidt@example.com', 'greta.schmidt@example.com', 'Engineering manager. Ask me about good error messages, or about slow trains.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyNjQ2NTMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkdTPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (11, 'astridholm', 'astridholm', 'astridholm@example.com', 'astridholm@example.com', 'Freelance developer from Lyon, mostly thinking about mechanical keyboards.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyZjZiM2YiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkFIPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (12, 'haddad-leila', 'haddad-leila', 'haddad-leila@example.com', 'haddad-leila@example.com', 'Product designer in Kyoto. I write about old synthesizers and readable code.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiNiNTUyM2IiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkxIPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (13, 'elifyilmaz', 'elifyilmaz', 'elifyilmaz@example.com', 'elifyilmaz@example.com', 'I live in Bengaluru and care about slow trains. Data analyst by day.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyYTZmOTciIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkVZPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (28, 'mansour-omar', 'mansour-omar', 'mansour-omar@example.com', 'mansour-omar@example.com', NULL, NULL, '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (14, 'gracewalsh', 'gracewalsh', 'gracewalsh@example.com', 'gracewalsh@example.com', 'Mobile developer from Bengaluru, mostly thinking about science fiction.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM0YTRlNjkiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkdXPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (15, 'zanele_dlamini', 'zanele_dlamini', 'zanele_dlamini@example.com', 'zanele_dlamini@example.com', 'Security engineer from Malmö, mostly thinking about puzzles.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM2YTRjOTMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPlpEPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (16, 'linhnguyen', 'linhnguyen', 'linhnguyen@example.com', 'linhnguyen@example.com', 'Technical writer. Fond of databases and puzzles.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM0YTRlNjkiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkxOPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (17, 'irinakovalenko', 'irinakovalenko', 'irinakovalenko@example.com', 'irinakovalenko@example.com', 'Backend engineer. Ask me about mechanical keyboards, or about readable code.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyYTZmOTciIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPklLPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (18, 'kofi_owusu', 'kofi_owusu', 'kofi_owusu@example.com', 'kofi_owusu@example.com', 'Mobile developer in Malmö. I write about sourdough and bicycles.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM2YTRjOTMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPktPPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (19, 'zofianowak', 'zofianowak', 'zofianowak@example.com', 'zofianowak@example.com', 'Student. Fond of long walks and small tools that do one thing.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyZjZiM2YiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPlpOPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (20, 'weilin', 'weilin', 'weilin@example.com', 'weilin@example.com', 'Site reliability engineer from Lviv, mostly thinking about databases.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMwMDY5NWMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPldMPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (21, 'mori-hiroshi', 'mori-hiroshi', 'mori-hiroshi@example.com', 'mori-hiroshi@example.com', NULL, 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyYTZmOTciIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkhNPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (22, 'arjun_iyer', 'arjun_iyer', 'arjun_iyer@example.com', 'arjun_iyer@example.com', 'I live in Nairobi and care about small tools that do one thing. Technical writer by day.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM1ZDQwMzciIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkFJPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (23, 'mateorojas', 'mateorojas', 'mateorojas@example.com', 'mateorojas@example.com', 'Frontend developer in Kraków. I write about accessible design and mechanical keyboards.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM0YTRlNjkiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPk1SPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (24, 'tiago.almeida', 'tiago.almeida', 'tiago.almeida@example.com', 'tiago.almeida@example.com', 'Mobile developer. Ask me about databases, or about slow trains.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM3YTVjMDAiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPlRBPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (25, 'lefevre-hugo', 'lefevre-hugo', 'lefevre-hugo@example.com', 'lefevre-hugo@example.com', 'Frontend developer from Galway, mostly thinking about small tools that do one thing.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyNjQ2NTMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkhMPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (26, 'keller-jonas', 'keller-jonas', 'keller-jonas@example.com', 'keller-jonas@example.com', NULL, 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM2YTRjOTMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkpLPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (27, 'erik_lindqvist', 'erik_lindqvist', 'erik_lindqvist@example.com', 'erik_lindqvist@example.com', 'I live in Lviv and care about slow trains. Freelance developer by day.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM4ZjJkNTYiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkVMPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (29, 'emre_demir', 'emre_demir', 'emre_demir@example.com', 'emre_demir@example.com', 'Engineering manager from Nairobi, mostly thinking about mechanical keyboards.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM2YTRjOTMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkVEPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (30, 'owenhughes', 'owenhughes', 'owenhughes@example.com', 'owenhughes@example.com', 'Open-source maintainer in Durban. I write about chess and community gardens.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM4ZjJkNTYiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPk9IPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (31, 'thabonkosi', 'thabonkosi', 'thabonkosi@example.com', 'thabonkosi@example.com', 'Database administrator. Ask me about mechanical keyboards, or about databases.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyZjZiM2YiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPlROPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (32, 'minh.tran', 'minh.tran', 'minh.tran@example.com', 'minh.tran@example.com', 'I live in Bengaluru and care about sourdough. Technical writer by day.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyNjQ2NTMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPk1UPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (33, 'dmytroshevchuk', 'dmytroshevchuk', 'dmytroshevchuk@example.com', 'dmytroshevchuk@example.com', 'Database administrator. Fond of community gardens and typography.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMwMDY5NWMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkRTPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (34, 'boateng-efua', 'boateng-efua', 'boateng-efua@example.com', 'boateng-efua@example.com', 'Student from Kyoto, mostly thinking about puzzles.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMwMDY5NWMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkVCPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (35, 'jakubzielinski', 'jakubzielinski', 'jakubzielinski@example.com', 'jakubzielinski@example.com', 'Data analyst from Lviv, mostly thinking about small tools that do one thing.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyNjQ2NTMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkpaPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (36, 'jing.zhao', 'jing.zhao', 'jing.zhao@example.com', 'jing.zhao@example.com', 'Data analyst. Fond of bicycles and long walks.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyZjZiM2YiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkpaPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (37, 'yukisuzuki', 'yukisuzuki', 'yukisuzuki@example.com', 'yukisuzuki@example.com', 'I live in Beirut and care about pottery. Product designer by day.', NULL, '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (38, 'kavyapatel', 'kavyapatel', 'kavyapatel@example.com', 'kavyapatel@example.com', 'Mobile developer in Durban. I write about community gardens and birds.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM3YTVjMDAiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPktQPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (39, 'camilavega', 'camilavega', 'camilavega@example.com', 'camilavega@example.com', 'Data analyst in Bengaluru. I write about slow trains and sourdough.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM4ZjJkNTYiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkNWPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (40, 'beatriz.rocha', 'beatriz.rocha', 'beatriz.rocha@example.com', 'beatriz.rocha@example.com', 'I live in Lisbon and care about maps. Data analyst by day.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM1ZDQwMzciIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkJSPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (41, 'moreau-chloe', 'moreau-chloe', 'moreau-chloe@example.com', 'moreau-chloe@example.com', 'Data analyst. Fond of accessible design and good error messages.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyZjZiM2YiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkNNPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (42, 'vogel-frieda', 'vogel-frieda', 'vogel-frieda@example.com', 'vogel-frieda@example.com', 'Product designer from Nairobi, mostly thinking about small tools that do one thing.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM0YTRlNjkiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkZWPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (43, 'ingridberg', 'ingridberg', 'ingridberg@example.com', 'ingridberg@example.com', NULL, 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyZjZiM2YiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPklCPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (44, 'khalil-nadia', 'khalil-nadia', 'khalil-nadia@example.com', 'khalil-nadia@example.com', 'Security engineer. Ask me about birds, or about bicycles.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiM1ZDQwMzciIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPk5LPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (45, 'defne_kaya', 'defne_kaya', 'defne_kaya@example.com', 'defne_kaya@example.com', 'I live in Galway and care about slow trains. Engineering manager by day.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyNjQ2NTMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkRLPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (46, 'noramurray', 'noramurray', 'noramurray@example.com', 'noramurray@example.com', 'Security engineer from Kraków, mostly thinking about small tools that do one thing.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyYTZmOTciIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPk5NPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (47, 'lerato_khumalo', 'lerato_khumalo', 'lerato_khumalo@example.com', 'lerato_khumalo@example.com', 'Product designer. Ask me about accessible design, or about mechanical keyboards.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyZjZiM2YiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPkxLPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (48, 'thao.pham', 'thao.pham', 'thao.pham@example.com', 'thao.pham@example.com', 'I live in Bogotá and care about puzzles. Engineering manager by day.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMwMDY5NWMiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPlRQPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (49, 'oksana.bondar', 'oksana.bondar', 'oksana.bondar@example.com', 'oksana.bondar@example.com', 'Computer science teacher. Ask me about good error messages, or about science fiction.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyZjZiM2YiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPk9CPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (50, 'asante-kwame', 'asante-kwame', 'asante-kwame@example.com', 'asante-kwame@example.com', 'I live in Hamburg and care about good error messages. Engineering manager by day.', 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA5IDkiPjxwYXRoIGZpbGw9IiMyZjZiM2YiIGQ9Ik0wIDBoOXY5SDB6Ii8+PHRleHQgeD0iNC41IiB5PSI1LjkiIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXNpemU9IjQiIGZpbGw9IiNmZmYiIHRleHQtYW5jaG9yPSJtaWRkbGUiPktBPC90ZXh0Pjwvc3ZnPg==', '$argon2id$v=19$m=19456,t=2,p=1$EFI5PE/VmRYuFXejkQpO7g$SNeaaDhtFmAKqpIzQUYPtzzayqZwP46lYS2aR4UoDWI', 0);
INSERT INTO public.users_account VALUES (51, 'jake', 'jake', 'jake@example.com', 'jake@example.com', NULL, NULL, '$argon2id$v=19$m=19456,t=2,p=1$SwhvzlQXtPzgIAi/ntEonQ$wLdcTDE5esQoz0YJxUGItPJZh7JRAJnHa3sGWk4KveA', 0);
INSERT INTO public.users_alembic_version VALUES ('0002');
INSERT INTO public.users_attempt VALUES ('LIMITER/a5902a1a59d7ad10e8c09c0d6076b30e/10/15/minute', 1, 253402214400);
INSERT INTO public.users_attempt VALUES ('LIMITER/71c9c17909ab1808f51c097fc3501e73/100/1/hour', 1, 253402214400);
INSERT INTO public.users_attempt VALUES ('LIMITER/19dcfe4c8f76a8e5ec950e6e67746a5f/100/15/minute', 1, 253402214400);
SELECT pg_catalog.setval('public.articles_article_id_seq', 4, true);
SELECT pg_catalog.setval('public.comments_comment_id_seq', 1, true);
SELECT pg_catalog.setval('public.kernel_delivery_id_seq', 1, true);
SELECT pg_catalog.setval('public.users_account_id_seq', 51, true);
ALTER TABLE ONLY public.articles_alembic_version
    ADD CONSTRAINT articles_alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.comments_alembic_version
    ADD CONSTRAINT comments_alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.kernel_alembic_version
    ADD CONSTRAINT kernel_alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.articles_article
    ADD CONSTRAINT pk_articles_article PRIMARY KEY (id);
ALTER TABLE ONLY public.articles_author
    ADD CONSTRAINT pk_articles_author PRIMARY KEY (author_id);
ALTER TABLE ONLY public.articles_favorite
    ADD CONSTRAINT pk_articles_favorite PRIMARY KEY (article_id, user_id);
ALTER TABLE ONLY public.articles_reader
    ADD CONSTRAINT pk_articles_reader PRIMARY KEY (user_id);
ALTER TABLE ONLY public.articles_tag
    ADD CONSTRAINT pk_articles_tag PRIMARY KEY (article_id, tag);
ALTER TABLE ONLY public.articles_tag_use
    ADD CONSTRAINT pk_articles_tag_use PRIMARY KEY (tag);
ALTER TABLE ONLY public.comments_comment
    ADD CONSTRAINT pk_comments_comment PRIMARY KEY (id);
ALTER TABLE ONLY public.kernel_delivery
    ADD CONSTRAINT pk_kernel_delivery PRIMARY KEY (id);
ALTER TABLE ONLY public.kernel_keyed_request
    ADD CONSTRAINT pk_kernel_keyed_request PRIMARY KEY (caller, key);
ALTER TABLE ONLY public.profiles_follow
    ADD CONSTRAINT pk_profiles_follow PRIMARY KEY (follower_id, followed_id);
ALTER TABLE ONLY public.users_account
    ADD CONSTRAINT pk_users_account PRIMARY KEY (id);
ALTER TABLE ONLY public.users_attempt
    ADD CONSTRAINT pk_users_attempt PRIMARY KEY (key);
ALTER TABLE ONLY public.profiles_alembic_version
    ADD CONSTRAINT profiles_alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.articles_article
    ADD CONSTRAINT uq_articles_article_slug UNIQUE (slug);
ALTER TABLE ONLY public.users_account
    ADD CONSTRAINT uq_users_account_email_key UNIQUE (email_key);
ALTER TABLE ONLY public.users_account
    ADD CONSTRAINT uq_users_account_username_key UNIQUE (username_key);
ALTER TABLE ONLY public.users_alembic_version
    ADD CONSTRAINT users_alembic_version_pkc PRIMARY KEY (version_num);
CREATE INDEX ix_articles_article_author_id_created_at_id ON public.articles_article USING btree (author_id, created_at, id);
CREATE INDEX ix_articles_article_created_at_id ON public.articles_article USING btree (created_at, id);
CREATE INDEX ix_articles_favorite_user_id_created_at_article_id ON public.articles_favorite USING btree (user_id, created_at, article_id);
CREATE INDEX ix_articles_tag_tag_created_at_article_id ON public.articles_tag USING btree (tag, created_at, article_id);
CREATE INDEX ix_articles_tag_use_articles_tag ON public.articles_tag_use USING btree (articles, tag);
CREATE INDEX ix_comments_comment_article_id_created_at_id ON public.comments_comment USING btree (article_id, created_at, id);
CREATE INDEX ix_comments_comment_author_id ON public.comments_comment USING btree (author_id);
CREATE INDEX ix_kernel_delivery_due_at_id ON public.kernel_delivery USING btree (due_at, id);
CREATE INDEX ix_kernel_delivery_subscriber_aggregate_id ON public.kernel_delivery USING btree (subscriber, aggregate, id);
CREATE INDEX ix_kernel_keyed_request_expires_at ON public.kernel_keyed_request USING btree (expires_at);
CREATE INDEX ix_profiles_follow_followed_id ON public.profiles_follow USING btree (followed_id);
CREATE INDEX ix_users_attempt_expires_at ON public.users_attempt USING btree (expires_at);
ALTER TABLE ONLY public.articles_favorite
    ADD CONSTRAINT fk_articles_favorite_article_id FOREIGN KEY (article_id) REFERENCES public.articles_article(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.articles_tag
    ADD CONSTRAINT fk_articles_tag_article_id FOREIGN KEY (article_id) REFERENCES public.articles_article(id) ON DELETE CASCADE;
