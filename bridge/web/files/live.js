// Keeps the parts of the page that change as they are now: asks for the page again, and puts in what is new.
// Without it the browser reloads the page every ten seconds.
"use strict";

const INTERVAL_MS = 5000;
const PATIENCE_MS = 20000;
const lost = document.getElementById("lost");
let heardAt = new Date();

function beingRead(part) {
  const selection = document.getSelection();
  return selection && !selection.isCollapsed && part.contains(selection.anchorNode);
}

function take(part, fresh) {
  if (part.innerHTML === fresh.innerHTML || beingRead(part)) return;
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const address = focused && focused.getAttribute("href");
  // A table that was moved sideways stays where it was moved to.
  const [box, next] = [part.querySelector(".wide"), fresh.querySelector(".wide")];
  const left = box ? box.scrollLeft : 0;
  part.replaceChildren(...fresh.childNodes);
  if (next) next.scrollLeft = left;
  if (!focused) return;
  const again = address ? part.querySelector(`a[href="${CSS.escape(address)}"]`) : part.querySelector(".wide");
  if (again) again.focus({ preventScroll: true });
}

async function look() {
  const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new Error((await answer.text()).slice(0, 300));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
    if (fresh) take(part, fresh);
  }
  document.title = page.title;
}

async function lookAgain() {
  if (document.hidden) return;
  try {
    await look();
    heardAt = new Date();
    lost.hidden = true;
  } catch (error) {
    const why = error.name === "Error" ? ` It says: ${error.message}` : "";
    lost.textContent = `The feed has not answered since ${heardAt.toISOString().slice(11, 19)} UTC: ` +
      `what is shown here is old.${why}`;
    lost.hidden = false;
    document.title = "NO ANSWER";
  }
}

async function keepLooking() {
  await lookAgain();
  setTimeout(keepLooking, INTERVAL_MS);
}

setTimeout(keepLooking, INTERVAL_MS);
document.addEventListener("visibilitychange", lookAgain);
