// Keeps the list of alerts up to date. The page is complete without it.
"use strict";

const EVERY = 4000; // milliseconds between two questions
const news = document.getElementById("news");
let busy = false;

function usedNow(list) {
  // What somebody is using is not replaced under their hands.
  const focus = document.activeElement;
  return list.contains(focus) && focus.matches("select, button, a");
}

async function refresh() {
  const list = document.getElementById("list");
  const answer = await fetch("/latest", { cache: "no-store" });
  const { sequence } = await answer.json();
  if (String(sequence) === list.dataset.sequence) return;
  if (usedNow(list)) {
    news.textContent = "There are new alerts. They are shown when you leave the list or reload the page.";
    return;
  }
  const page = await (await fetch(location.href, { cache: "no-store" })).text();
  const fresh = new DOMParser().parseFromString(page, "text/html");
  list.replaceWith(fresh.getElementById("list"));
  document.querySelector(".head").replaceWith(fresh.querySelector(".head"));
  document.querySelector("footer.site").replaceWith(fresh.querySelector("footer.site"));
  news.textContent = "The list has been brought up to date.";
}

setInterval(async () => {
  if (busy || document.hidden) return;
  busy = true;
  try {
    await refresh();
  } catch {
    news.textContent = "The list can't be brought up to date: no answer. What is shown may be old.";
  } finally {
    busy = false;
  }
}, EVERY);
