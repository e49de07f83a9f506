// Keeps the focus on the page: where the control that has it goes away, the nearest one that is there gets it.

const CONTROLS = "button, a[href], input, select, textarea, summary, [tabindex='0']";

/** Begins to watch what lies in an element. */
export function keepFocus(root) {
  let path = []; // the control that had the focus, and what it lay in, from the inside out
  let isWaiting = false; // whether all of the page was locked while it had it
  let frame = 0;
  const look = () => {
    frame = 0;
    if (document.activeElement !== document.body || !path.length) return;
    const [last] = path;
    if (last.closest("[inert]")) {
      isWaiting = true;
    } else if (!canHaveFocus(last)) {
      nearest(path)?.focus();
    } else if (isWaiting) {
      last.focus();
    } else {
      path = []; // taken away by the person
    }
  };
  const lookSoon = () => {
    frame ||= requestAnimationFrame(look);
  };
  document.addEventListener("focusin", ({ target }) => {
    path = [];
    for (let one = target; one; one = one.parentElement) path.push(one);
    isWaiting = false;
  });
  document.addEventListener("focusout", lookSoon);
  new MutationObserver(lookSoon).observe(root, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ["disabled", "inert", "hidden", "open"],
  });
}

function canHaveFocus(element) {
  return element.isConnected && element.checkVisibility() && !element.disabled && !element.closest("[inert]");
}

/** The first control that can have the focus in the innermost of some elements that has one. */
function nearest(path) {
  for (const holder of path.slice(1)) {
    const found = holder.isConnected && [...holder.querySelectorAll(CONTROLS)].find(canHaveFocus);
    if (found) return found;
  }
  return null;
}
