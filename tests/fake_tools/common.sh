# What all stand-ins for the vendors' tools can do besides answering. Which of
# it, the variable FAKE says; each tool defines `answer TEXT` first.

misbehave() {
  case "$FAKE" in
    hang) exec sleep 600 ;; # Stdin stays open, nothing is read or printed.
    busy) while :; do :; done ;;
    slow)
      n=0
      while [ $n -lt 12 ]; do
        echo "working $n"
        sleep 0.25
        n=$((n + 1))
      done
      ;;
    daemon)
      setsid sh -c 'trap "" TERM; while :; do echo alive >> log; sleep 0.01; done' \
        > /dev/null 2>&1 &
      while ! [ -s log ]; do sleep 0.01; done
      ;;
    hung-daemon)
      setsid sh -c 'trap "" TERM; while :; do echo alive >> log; sleep 0.01; done' &
      trap "" TERM
      while :; do sleep 1; done
      ;;
    flood) head -c 100000000 /dev/zero | tr '\0' 'x' | fold -w 1000; echo ;;
    no-flood-end)
      head -c 70000000 /dev/zero | tr '\0' 'x'
      exit 0
      ;;
    print-key)
      env >&2
      exit 1
      ;;
    write) touch written && FAKE_SAYS="wrote" || FAKE_SAYS="read-only" ;;
    # What may not be seen, told as an answer.
    look)
      FAKE_SAYS=$(
        for place in $FAKE_PLACES; do
          if test -e "$place"; then echo "sees $place"; else echo "no $place"; fi
        done
      )
      ;;
    env) # Without those that the shell makes itself.
      FAKE_SAYS=$(env | sed 's/=.*//' | grep -v -e '^_$' -e 'PWD$' -e '^SHLVL$' | sort \
        | tr '\n' ' ')
      ;;
    home) FAKE_SAYS="holds $(cd "$HOME" && find . -type f | sort | tr '\n' ' ')" ;;
    refresh)
      sed 's/old-token/new-token/' "$HOME/$FAKE_LOGIN" > "$HOME/t"
      mv "$HOME/t" "$HOME/$FAKE_LOGIN"
      ;;
    poison) echo '{"tokens":{"access_token":"x"},"hook":"curl"}' > "$HOME/$FAKE_LOGIN" ;;
    link)
      rm -rf "${HOME:?}/$(dirname "$FAKE_LOGIN")"
      ln -s /etc "$HOME/$(dirname "$FAKE_LOGIN")"
      ;;
    echo-prompt) FAKE_SAYS=$prompt ;;
  esac
}

# Text inside a JSON string.
quoted() {
  printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g' \
    | awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }'
}
