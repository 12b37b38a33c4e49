"""The texts of demo articles: a grammar whose sentences fit every topic.

In all texts {subject} is the subject of an article ("Python services"), and {aspect} an aspect of it
("error handling"); {Aspect} begins a sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of articles: a tag, subjects, a link to read, and a code example."""

    tag: str
    subjects: Sequence[str]
    reading: str
    language: str
    code: str


TOPICS = [
    Topic(
        "python",
        ["Python services", "a Django monolith", "data pipelines", "command-line tools", "asyncio code"],
        "[the Python documentation](https://docs.python.org/3/)",
        "python",
        """async def first_response(sources: Sequence[Source]) -> Response:
    for source in sources:
        try:
            async with asyncio.timeout(source.timeout):
                return await source.fetch()
        except TimeoutError:
            log.info("timed out", source=source.name)
    raise NoResponse""",
    ),
    Topic(
        "javascript",
        ["plain JavaScript", "Node services", "browser extensions", "build scripts", "offline-first apps"],
        "[MDN on JavaScript](https://developer.mozilla.org/docs/Web/JavaScript)",
        "javascript",
        """export function debounce(action, milliseconds) {
  let timer;
  return (...details) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...details), milliseconds);
  };
}""",
    ),
    Topic(
        "databases",
        ["PostgreSQL", "SQLite", "read replicas", "reporting queries", "time-series tables"],
        "[the PostgreSQL manual](https://www.postgresql.org/docs/current/)",
        "sql",
        """SELECT author_id, count(*) AS articles
  FROM article
 WHERE created_at >= date_trunc('month', now())
 GROUP BY author_id
 ORDER BY articles DESC, author_id
 LIMIT 10;""",
    ),
    Topic(
        "webdev",
        ["single-page apps", "server-side pages", "design systems", "sign-up forms", "email templates"],
        "[the HTML standard](https://html.spec.whatwg.org/)",
        "html",
        """<form method="post" action="/subscribe">
  <label for="email">E-mail</label>
  <input id="email" name="email" type="email" autocomplete="email" required>
  <button>Subscribe</button>
</form>""",
    ),
    Topic(
        "typescript",
        ["TypeScript libraries", "typed API clients", "a monorepo", "code generators", "strict mode"],
        "[the TypeScript handbook](https://www.typescriptlang.org/docs/handbook/)",
        "typescript",
        """type Result<T> = { ok: true; value: T } | { ok: false; problem: string };

export function unwrap<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.problem);
  return result.value;
}""",
    ),
    Topic(
        "architecture",
        ["modular monoliths", "event-driven code", "microservices", "plugin systems", "shared libraries"],
        "[the C4 model](https://c4model.com/)",
        "text",
        """orders    offers OrderDirectory      needs catalog
billing   offers InvoiceReader       needs orders
shipping                             needs orders, billing""",
    ),
    Topic(
        "devops",
        ["release pipelines", "container images", "Terraform modules", "build runners", "on-call rotations"],
        "[the Docker documentation](https://docs.docker.com/)",
        "yaml",
        """release:
  needs: [lint, test]
  steps:
    - run: make image
    - run: make smoke-test
    - run: make promote""",
    ),
    Topic(
        "rust",
        ["Rust services", "embedded Rust", "parsers in Rust", "async Rust", "a Rust rewrite"],
        "[the Rust book](https://doc.rust-lang.org/book/)",
        "rust",
        """fn longest<'a>(lines: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    lines
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .max_by_key(|line| line.len())
}""",
    ),
    Topic(
        "react",
        ["React forms", "React dashboards", "server components", "shared hooks", "React Native apps"],
        "[the React documentation](https://react.dev/learn)",
        "jsx",
        """export function Draft({ draft, onSave }) {
  const [text, setText] = useState(draft.text);
  return (
    <form onSubmit={() => onSave({ ...draft, text })}>
      <textarea value={text} onChange={(event) => setText(event.target.value)} />
      <button disabled={text === draft.text}>Save</button>
    </form>
  );
}""",
    ),
    Topic(
        "go",
        ["Go services", "Go workers", "gRPC gateways", "Kubernetes operators", "static binaries"],
        "[Effective Go](https://go.dev/doc/effective_go)",
        "go",
        """func retry(ctx context.Context, times int, do func() error) (err error) {
	for i := 0; i < times; i++ {
		if err = do(); err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(time.Duration(i+1) * 100 * time.Millisecond)
	}
	return err
}""",
    ),
    Topic(
        "apis",
        ["public APIs", "webhooks", "GraphQL schemas", "internal RPC", "partner integrations"],
        "[HTTP Semantics](https://www.rfc-editor.org/rfc/rfc9110)",
        "http",
        """HTTP/1.1 409 Conflict
Content-Type: application/json

{"errors": {"email": ["has already been taken"]}}""",
    ),
    Topic(
        "linux",
        ["systemd services", "shell scripts", "home servers", "package builds", "backup jobs"],
        "[the systemd manual](https://www.freedesktop.org/software/systemd/man/latest/)",
        "bash",
        """#!/bin/sh
set -eu
target="/backup/$(date +%F)"
mkdir -p "$target"
rsync --archive --delete /srv/data/ "$target/"
du -sh "$target\"""",
    ),
    Topic(
        "css",
        ["grid layouts", "dark themes", "print style sheets", "component styles", "wide tables"],
        "[MDN on CSS](https://developer.mozilla.org/docs/Web/CSS)",
        "css",
        """.cards {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr));
  gap: 1.5rem;
}

@media (prefers-color-scheme: dark) {
  .cards { background: #14213d; color: #f1faee; }
}""",
    ),
    Topic(
        "machine-learning",
        ["ranking models", "small language models", "feature stores", "forecasting jobs", "labeling tools"],
        "[the scikit-learn guide](https://scikit-learn.org/stable/user_guide.html)",
        "python",
        """model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
scores = cross_val_score(model, features, labels, cv=5, scoring="average_precision")
print(f"{scores.mean():.3f} ± {scores.std():.3f}")""",
    ),
    Topic(
        "java",
        ["Spring services", "nightly batch jobs", "Java records", "Kotlin services", "event listeners"],
        "[the Java tutorials](https://dev.java/learn/)",
        "java",
        """record Money(BigDecimal amount, Currency currency) {
    Money plus(Money other) {
        if (!currency.equals(other.currency)) {
            throw new IllegalArgumentException("cannot add " + other.currency + " to " + currency);
        }
        return new Money(amount.add(other.amount), currency);
    }
}""",
    ),
    Topic(
        "mobile",
        ["Android apps", "iOS apps", "push notifications", "offline sync", "app releases"],
        "[Android's app architecture guide](https://developer.android.com/topic/architecture)",
        "kotlin",
        """suspend fun sync(queue: Outbox, server: Server) {
    queue.pending().forEach { change ->
        server.apply(change)
        queue.forget(change)
    }
}""",
    ),
    Topic(
        "open-source",
        ["a small library", "release notes", "issue trackers", "plugin ecosystems", "community projects"],
        "[Keep a Changelog](https://keepachangelog.com/)",
        "markdown",
        """## 2.4.0
### Added
- `--since` takes dates as well as tags.
### Fixed
- An empty file is a valid file again.""",
    ),
    Topic(
        "data",
        ["analytics dashboards", "notebooks", "survey results", "event streams", "open data"],
        "[the Apache Arrow documentation](https://arrow.apache.org/docs/)",
        "python",
        """weekly = (
    visits.assign(week=visits["at"].dt.to_period("W"))
    .groupby(["week", "source"])["visitor"]
    .nunique()
    .unstack(fill_value=0)
)""",
    ),
    Topic(
        "accessibility",
        ["keyboard navigation", "data tables", "video players", "long forms", "mobile menus"],
        "[the WAI tutorials](https://www.w3.org/WAI/tutorials/)",
        "html",
        """<button aria-expanded="false" aria-controls="menu">Menu</button>
<ul id="menu" hidden>
  <li><a href="#news">News</a></li>
  <li><a href="#archive">Archive</a></li>
</ul>""",
    ),
    Topic(
        "writing",
        ["developer guides", "API references", "design documents", "runbooks", "tutorials"],
        "[Diátaxis](https://diataxis.fr/)",
        "markdown",
        """# Restore the database
**Needs:** access to the backup server. **Takes:** ten minutes.
1. Stop the writers: `systemctl stop worker`
2. Restore the newest copy: `restore --latest`
3. Compare the counts with the dashboard.""",
    ),
    Topic(
        "games",
        ["puzzle games", "level editors", "multiplayer lobbies", "pixel-art tools", "physics engines"],
        "[Game Programming Patterns](https://gameprogrammingpatterns.com/)",
        "lua",
        """function update(dt)
  for _, ball in ipairs(balls) do
    ball.x = ball.x + ball.speed * dt
    if ball.x < 0 or ball.x > width then
      ball.speed = -ball.speed
    end
  end
end""",
    ),
    Topic(
        "networking",
        ["DNS zones", "load balancers", "mesh networks", "VPN gateways", "rate limiters"],
        "[the nginx documentation](https://nginx.org/en/docs/)",
        "nginx",
        """upstream app {
    server 127.0.0.1:8000;
    server 127.0.0.1:8001;
    keepalive 32;
}""",
    ),
]

# Tags that any article can have in addition to that of its topic.
ANGLES = [
    "tutorial", "beginners", "productivity", "testing", "performance", "security", "teams", "career",
    "opinion",
]  # fmt: skip

ASPECTS = [
    "error handling", "testing", "caching", "configuration", "logging", "versioning", "debugging", "naming",
    "onboarding", "documentation", "code review", "refactoring", "deployment", "monitoring", "upgrades",
    "feature flags", "permissions", "input validation", "shared state", "deadlines", "ownership",
    "technical debt", "simplicity", "consistency", "performance", "security", "automation", "estimates",
    "defaults", "edge cases", "failure modes", "migrations", "prototypes", "measurement", "capacity planning",
    "feedback loops", "maintenance", "trade-offs", "conventions", "clean-up",
]  # fmt: skip

TITLES = [
    "{Aspect} in {subject}: a field guide",
    "What nobody tells you about {aspect} in {subject}",
    "A practical guide to {aspect} in {subject}",
    "Rethinking {aspect} in {subject}",
    "Five lessons about {aspect} in {subject}",
    "How we approach {aspect} in {subject}",
    "{Aspect} in {subject}, explained",
    "The quiet importance of {aspect} in {subject}",
    "Getting {aspect} right in {subject}",
    "{Aspect} in {subject}: mistakes we made",
    "Notes on {aspect} in {subject}",
    "A short history of {aspect} in {subject}",
    "Why we care about {aspect} in {subject}",
    "{Aspect} in {subject}, learned the hard way",
    "Small steps towards better {aspect} in {subject}",
    "Questions to ask about {aspect} in {subject}",
    "In praise of boring {aspect} in {subject}",
    "The cost of ignoring {aspect} in {subject}",
    "{Aspect} in {subject}: before and after",
    "A year of {aspect} in {subject}",
    "An opinionated look at {aspect} in {subject}",
    "How to talk about {aspect} in {subject}",
    "{Aspect} in {subject} without the drama",
    "A fresh look at {aspect} in {subject}",
    "Seven habits for {aspect} in {subject}",
    "What changed our minds about {aspect} in {subject}",
    "A checklist for {aspect} in {subject}",
    "Everything we know about {aspect} in {subject}",
    "Simple rules for {aspect} in {subject}",
    "Thinking clearly about {aspect} in {subject}",
]

# Distinguishes articles when titles would repeat; empty at first.
SETTINGS = [
    "", " on a small team", " at a growing company", " in a legacy codebase", " on a tight budget",
    " for a side project", " with remote colleagues", " for the first time", " under real traffic",
    " in the public sector", " before a launch", " after a launch", " between releases", " at a non-profit",
    " across several teams", " during a rewrite", " for teams of one", " after ten years", " in a slow year",
    " in the classroom",
]  # fmt: skip

DESCRIPTIONS = [
    "What worked in {subject}, what did not, and what we would do again.",
    "A look at {aspect} for people who would rather ship than argue.",
    "Everything I wish I had known about {aspect} when I started.",
    "Three ways to think about {aspect}, and when each of them pays.",
    "How a small change to {aspect} saved us a great deal of work.",
    "Harder than it looks: {aspect}, and a way through.",
    "Notes from a year with {subject}, the good days and the others.",
    "You do not need a platform team to get {aspect} right.",
    "Less code, fewer surprises: {aspect} in practice.",
    "Answers to the questions that people ask us about {subject}.",
    "A short read for anyone about to touch {subject}.",
    "Why we threw our first attempt at {aspect} away, and what replaced it.",
    "It sounds easier than it is: {aspect}, and how we got there.",
    "A story about {subject}, two late evenings and a small fix.",
    "What {subject} taught us about {aspect}, in the order in which it hurt.",
    "Start small: {aspect} for teams of three.",
    "Once more about {aspect}, this time with numbers.",
    "For everyone who has inherited {subject} from somebody else.",
    "How to tell {aspect} from guesswork.",
    "The checklist for {aspect} that we should have had on the first day.",
    "A walk through {subject}, with a map and a few warnings.",
    "What I tell new colleagues about {aspect}.",
    "Good enough {aspect}, and how to know when you are there.",
    "Old ideas about {aspect} that still hold for {subject}.",
]

OPENINGS = [
    "Most of what is written about {aspect} assumes a large team and a quiet week. We had neither.",
    "When we began to work on {subject}, nobody gave a thought to {aspect}.",
    "There comes a day in every project when you can no longer put off {aspect}.",
    "I have now dealt with {aspect} in {subject} three times, and got it wrong twice.",
    "A colleague asked me last week how we do {aspect}, and my answer took an hour. This is the short one.",
    "It is easy to have opinions about {aspect}. It is harder to live with them for a year.",
    "This started as an internal note about {subject}. Enough people asked for it that here it is.",
    "If you work with {subject}, you have an approach to {aspect}, whether you chose it or not.",
]

REMARKS = [
    "The first version was a few lines long, and it served us for months.",
    "We measured before and after, because memory is kind to those who did the work.",
    "None of this is new; what was new to us was doing it every time.",
    "The surprise was how little had to change in {subject}.",
    "Two of us paired on it for an afternoon, and the rest of the team read along.",
    "In hindsight the warning signs were all there, in logs that nobody read.",
    "What looked like a question of {aspect} turned out to be a question of who decides.",
    "We wrote the decision down, with the options that we did not take and why.",
    "It helps to say out loud what we expect from {aspect} before arguing about how.",
    "The tools matter less than it seems; the habit matters more.",
    "Every exception that we allowed came back within a month, usually on a Friday.",
    "Users never noticed, and that was the point.",
    "The numbers are from our own systems, so take them as a direction and not as a promise.",
    "Once we could see {aspect} on a dashboard, the discussion became much shorter.",
    "We deleted more than we added, and nothing was missed.",
    "A new colleague found the gap in her first week, just by following the instructions.",
    "The cheapest improvement was a better name.",
    "There is a fancier solution, and there is no hurry to need it.",
    "For {subject}, that meant one change at a time, each of them easy to undo.",
    "Half of the work was agreeing on what good looks like.",
]

HEADINGS = [
    "Where we started", "What went wrong", "The smallest thing that works", "How it looks today", "The plan",
    "What we tried first", "A closer look", "Making it stick", "Living with it", "The part nobody mentions",
]  # fmt: skip

LIST_HEADINGS = [
    "A short checklist", "What to look at first", "Rules of thumb", "What we agreed on", "In short",
    "If you only have an hour",
]  # fmt: skip

POINTS = [
    "**Start from the symptom.** Write down what a person sees, not what you suspect.",
    "**Change one thing.** Two changes at once teach you nothing.",
    "Keep the old way working until nobody uses it.",
    "Prefer a boring default over a clever option.",
    "Name things after what they are, not after how they are made.",
    "Put a number on it, even a rough one.",
    "Make the wrong thing *hard*, not forbidden.",
    "Delete what you replaced on the same day.",
    "Ask a person who was not there to read it.",
    "Automate the third time, not the first.",
    "Leave a note for the next person: it may be you.",
    "Test the failure, not only the success.",
    "Agree on an owner before you agree on a deadline.",
    "Read the manual of `{tag}` once from start to end; it is shorter than you think.",
    "Review {aspect} every quarter and throw out what nobody needed.",
    "Look at the slowest case before the average one.",
]

CODE_HEADINGS = ["In code", "An example", "What it looks like", "Show me"]

CODE_INTRODUCTIONS = [
    "The core of it fits on one screen:",
    "Stripped of everything particular to us, it comes down to this:",
    "Here is the part that people ask about:",
    "This is what we ended up with:",
]

QUOTES = [
    "Simplicity is prerequisite for reliability.\n>\n> — Edsger W. Dijkstra",
    "Programs must be written for people to read, and only incidentally for machines.\n>\n> — after SICP",
    "The purpose of computing is insight, not numbers.\n>\n> — Richard Hamming",
    "We did not need a better tool. We needed to agree on what we were doing.",
    "If it is not written down, it did not happen; if nobody reads it, it was not written down.",
    "Every line that you do not write is a line that never wakes you up.",
    "The best time to fix it was last year. The second best time is before lunch.",
]

READING = [
    "If you want to go deeper, {reading} is worth an evening.",
    "Most of the background is in {reading}.",
    "For the details I keep coming back to {reading}.",
    "We took the vocabulary from {reading}.",
]

CLOSINGS = [
    "That is all. If you do it differently in {subject}, tell me in the comments.",
    "We are not done with {aspect}, but nobody loses sleep over it any more.",
    "Next time I will write about what we would leave out.",
    "Try it for two weeks. If it does not help, you have lost very little.",
    "Thanks to everyone who read a draft of this, and to those who disagreed.",
]

# Bar charts of twelve months, in base64: PNG, 480 by 160 pixels. Stored, because
# compressing the same pixels gives different bytes on different machines.
CHARTS = [
    (
        "iVBORw0KGgoAAAANSUhEUgAAAeAAAACgAgMAAACplVfeAAAADFBMVEX4+foqb5fnb1HO1NrNAjunAAAAp0lEQVR42u3YOw6A"
        "IBAFQC/pJb3kmmirUXEBP/MqKuZtAs0Og4hIecYlYDAYDH4H3LgCGAwGg5PgimXA4EpwxHp1xNEpNzsTN/nbYDAYDAaDwWBw"
        "Pzi9AhgMBoObwLfKgBvB5/dcuVuwoomTXjoYDAaDwWAwGPxUuKACGAwGg8Hg5D3X1d1XhYlPzw4Gg9MqgMGvhjcrgMEfgacl"
        "YDAYDAaDwf+Co1NmZ2gXaPaxjgwAAAAASUVORK5CYII="
    ),
    (
        "iVBORw0KGgoAAAANSUhEUgAAAeAAAACgAgMAAACplVfeAAAADFBMVEX4+fovaz/0omHO1NoTd0nlAAAAp0lEQVR42u3YMQ6A"
        "IAxAUS7pJb0kRh1cDNFYKZr3p068BCZaiiRJozRvgcFgMBgMBoPjm7bA4D5w7dIOr9MO1+qNwWDwmPDBgcFgMBicC59xYDAY"
        "DAZnwG1uJDh+k9Wewvdc37lqMBgMBr8KH8eAwf+D709gMDgTfsKBweBMOIYDZ8JR+6vwPZc3BoPBl+An38+vw+9N4Ay4BwcG"
        "g8FgMBgMBv8brkktUWtbJJl30TQAAAAASUVORK5CYII="
    ),
    (
        "iVBORw0KGgoAAAANSUhEUgAAAeAAAACgAgMAAACplVfeAAAADFBMVEX4+fpqTJP/nxzO1Npe6SlNAAAAqUlEQVR42u3YMQ6E"
        "IBBAUS+5l9xLjokWu8VEJSgKvl+RYHiAHdMkSZIkSZKe22dpVDhD3gxfuIWmcMS6YMT/6Fc2m31X2u6ZstmTzr69NBgMBoPB"
        "YDAYDAaDwWAwuEd47yWr8TuXfwwGg8FgMBgMBoPB4A7hqi0MAx/eTOfw0ev/Lo0KZ1u4H6575yofrXD1O1f5qPFVg8FgMBgM"
        "BoPBYDAYDAaD28JxUzNDyGkW+c0BSQAAAABJRU5ErkJggg=="
    ),
]
CAPTIONS = ["Month by month", "The year in one picture", "Before and after", "What the dashboard showed"]
