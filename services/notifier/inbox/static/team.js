// Makes the inbox quicker to use; every page is complete without it. It sends nothing by itself.
"use strict";

const news = document.getElementById("news");
const SWITCH = "salvage-keys"; // whether single keys work on this device; nothing of a patient
const WARN = 120000; // milliseconds before the sign-in ends

// -- keys: they move the focus, and never do anything else

function rows() {
  return [...document.querySelectorAll("#cases tbody tr")];
}

function step(by) {
  const all = rows();
  if (!all.length) return;
  const here = all.findIndex((row) => row.contains(document.activeElement));
  const next = here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, here + by));
  all.forEach((row, place) => row.classList.toggle("here", place === next));
  all[next].querySelector(".what a").focus();
}

function lead(selector) {
  const target = document.querySelector(selector);
  if (!target) return;
  const shut = target.closest("details");
  if (shut) shut.open = true;
  target.focus();
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  a: () => lead("[data-key=a]"),
  d: () => lead("[data-deed=dispose] select"),
  u: () => lead("#back"),
  "?": () => lead(".keys summary"),
};

function typing(target) {
  return target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
}

const box = document.getElementById("keys");
try {
  if (box) box.checked = localStorage.getItem(SWITCH) !== "off";
} catch {
  // Storage may be forbidden; then the switch holds for this page.
}
box?.addEventListener("change", () => {
  try {
    localStorage.setItem(SWITCH, box.checked ? "on" : "off");
  } catch {
    // As above.
  }
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !box?.checked || typing(event.target)) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// -- news: the stream tells which case changed, and nothing of it; the reader decides when to look

function say(words, href, link) {
  const anchor = document.createElement("a");
  anchor.href = href;
  anchor.textContent = link;
  news.replaceChildren(`${words} `, anchor);
}

const { events, ends, case: shown, revision } = document.body.dataset;
const changed = new Set();
const anew = location.pathname === "/find" ? "/" : location.href; // a search is not asked for twice

function told(event) {
  const { case: reference, rev } = JSON.parse(event.data);
  if (shown !== undefined) {
    if (reference === shown && rev > Number(revision)) {
      say("This case has changed since you opened it.", location.pathname, "Show it as it is now");
    }
    return;
  }
  const row = rows().find((one) => one.dataset.reference === reference);
  if (row && rev <= Number(row.dataset.revision)) return;
  changed.add(reference);
  const many = changed.size === 1 ? "One case has" : `${changed.size} cases have`;
  say(`${many} changed.`, anew, "Show them");
}

const listens = shown !== undefined || document.getElementById("cases") || location.pathname === "/";
if (events && listens) {
  const stream = new EventSource(events);
  stream.addEventListener("changed", told);
  stream.addEventListener("reset", () => say("What is shown may be old.", anew, "Show it anew"));
  stream.addEventListener("ended", () => {
    stream.close();
    say("Your sign-in has ended. What you have written is still here.", "/sign-in", "Sign in again");
  });
  addEventListener("pagehide", () => stream.close());
}

// -- the sign-in ends by itself: said two minutes before, and put off by one key

const wait = ends ? new Date(ends).getTime() - Date.now() - WARN : 0;

function arm() {
  if (wait > 0 && wait < 86400000) setTimeout(warn, wait);
}

async function stay() {
  const csrf = document.querySelector("[name=csrf]").value;
  const answer = await fetch("/stay", { method: "POST", body: new URLSearchParams({ csrf }), redirect: "manual" });
  const went = answer.ok || answer.type === "opaqueredirect";
  news.textContent = went ? "You stay signed in." : "You could not stay signed in.";
  if (went) arm();
}

function warn() {
  const button = document.createElement("button");
  button.textContent = "Stay signed in";
  button.addEventListener("click", stay);
  news.replaceChildren("Your sign-in ends in two minutes. ", button);
}

arm();
