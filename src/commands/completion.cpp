#include "commands/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <vector>

#include "base/run_log.h"
#include "cluster/launch_command.h"
#include "run/run_config.h"

namespace pleat {
namespace {

enum class Value { kNone, kWords, kKeys, kFolder, kFile };

struct Flag {
  std::vector<std::string> names;  // "-h", "--help"
  Value value = Value::kNone;
  std::vector<std::string> words;  // of kWords
  std::string help;
};

struct Verb {
  std::string name, help;
  std::vector<Flag> flags;
  Flag positional{.value = Value::kFile};
};

// The choices that CLI11 shows in the type of an option: "TEXT:{none,center,face}".
std::vector<std::string> choices_of(const std::string& type) {
  const auto open = type.find('{'), close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return {};
  return CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
}

Flag flag_of(const CLI::Option& option) {
  Flag flag{.help = option.get_description()};
  for (const std::string& name : option.get_snames()) flag.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) flag.names.push_back("--" + name);
  if (option.get_items_expected_max() == 0) return flag;
  const std::string type = option.get_type_name();
  flag.words = choices_of(type);
  if (!flag.words.empty())
    flag.value = Value::kWords;
  else if (type.starts_with("KEY="))
    flag.value = Value::kKeys;
  else
    flag.value =
        type.find("DIR") != std::string::npos || type.find("RUN") != std::string::npos ? Value::kFolder : Value::kFile;
  return flag;
}

std::vector<Verb> verbs_of(const CLI::App& program) {
  std::vector<Verb> verbs;
  for (const CLI::App* app : program.get_subcommands([](const CLI::App*) { return true; })) {
    Verb& verb = verbs.emplace_back(Verb{.name = app->get_name(), .help = app->get_description()});
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_positional())
        verb.positional = flag_of(*option);
      else
        verb.flags.push_back(flag_of(*option));
    }
  }
  return verbs;
}

// "train.lr=", …: keys of the config whose values are not lists or structs.
void add_keys(const Json& config, const std::string& prefix, std::vector<std::string>& keys) {
  for (const auto& [name, value] : config.items()) {
    if (value.is_object())
      add_keys(value, prefix + name + ".", keys);
    else
      keys.push_back(prefix + name + "=");
  }
}

std::vector<std::string> config_keys() {
  std::vector<std::string> keys;
  add_keys(to_json(RunConfig{}), "", keys);
  return keys;
}

std::string bash_values(const Flag& flag) {
  switch (flag.value) {
    case Value::kWords:
      return fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$cur\"))", fmt::join(flag.words, " "));
    case Value::kKeys:
      return "compopt -o nospace; COMPREPLY=($(compgen -W \"$_pleat_keys\" -- \"$cur\"))";
    case Value::kFolder:
      return "mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")";
    case Value::kNone:
    case Value::kFile:
      break;
  }
  return "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")";
}

// Values of a flag, then flags, then what the verb takes without a flag.
std::string bash_verb(const Verb& verb) {
  std::vector<std::string> names;
  std::string text = fmt::format("    {})\n      case $prev in\n", verb.name);
  for (const Flag& flag : verb.flags) {
    names.insert(names.end(), flag.names.begin(), flag.names.end());
    if (flag.value != Value::kNone)
      text += fmt::format("        {}) {}; return ;;\n", fmt::join(flag.names, "|"), bash_values(flag));
  }
  return text +
         fmt::format(
             "      esac\n      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '{}' -- \"$cur\")); return; fi\n"
             "      {} ;;\n",
             fmt::join(names, " "), bash_values(verb.positional));
}

// readline splits words at "=" and ":"; a KEY=VALUE is then several words, and the flag is not just before.
std::string bash_script(const std::vector<Verb>& verbs) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs) names.push_back(verb.name);
  std::string text = fmt::format(
      "# Completion for pleat. In ~/.bashrc: source <(pleat completion bash)\n"
      "_pleat_keys='{}'\n"
      "_pleat() {{\n"
      "  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} verb='' word\n"
      "  COMPREPLY=()\n"
      "  for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    if [[ $word != -* ]]; then verb=$word; break; fi\n"
      "  done\n"
      "  case $verb in\n"
      "    '') COMPREPLY=($(compgen -W '{} --help --version' -- \"$cur\")) ;;\n",
      fmt::join(config_keys(), " "), fmt::join(names, " "));
  for (const Verb& verb : verbs) text += bash_verb(verb);
  return text + "  esac\n}\ncomplete -o filenames -F _pleat pleat\n";
}

// The first part of a long description.
std::string short_help(const std::string& text) { return text.substr(0, text.find_first_of(":;([")); }

std::string zsh_values(const Flag& flag) {
  switch (flag.value) {
    case Value::kWords:
      return fmt::format(":value:({})", fmt::join(flag.words, " "));
    case Value::kKeys:
      return ":key:{compadd -S \"\" -a _pleat_keys}";
    case Value::kFolder:
      return ":folder:_files -/";
    case Value::kFile:
      return ":file:_files";
    case Value::kNone:
      break;
  }
  return "";
}

std::string zsh_verb(const Verb& verb) {
  std::string text = fmt::format("    {}) _arguments", verb.name);
  for (const Flag& flag : verb.flags) {
    for (const std::string& name : flag.names)
      text += " \\\n      " + shell_quoted(fmt::format("*{}[{}]{}", name, short_help(flag.help), zsh_values(flag)));
  }
  return text + fmt::format(" \\\n      {} ;;\n", shell_quoted("*" + zsh_values(verb.positional)));
}

std::string zsh_script(const std::vector<Verb>& verbs) {
  std::string text = fmt::format(
      "# Completion for pleat. In ~/.zshrc: source <(pleat completion zsh)\n"
      "(( $+functions[compdef] )) || {{ autoload -U +X compinit && compinit }}\n"
      "_pleat_keys=({})\n"
      "_pleat() {{\n"
      "  local -a verbs=(\n",
      fmt::join(config_keys(), " "));
  for (const Verb& verb : verbs) text += "    " + shell_quoted(verb.name + ":" + short_help(verb.help)) + "\n";
  text +=
      "  )\n"
      "  [[ $words[2] == --help && CURRENT -gt 2 ]] && { shift words; (( CURRENT-- )) }\n"
      "  if (( CURRENT == 2 )); then _describe verb verbs; compadd -- --help --version; return; fi\n"
      "  local verb=$words[2]\n"
      "  shift words; (( CURRENT-- ))\n"
      "  case $verb in\n";
  for (const Verb& verb : verbs) text += zsh_verb(verb);
  return text + "  esac\n}\ncompdef _pleat pleat\n";
}

std::string fish_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return quoted + "'";
}

std::string fish_values(const Flag& flag) {
  switch (flag.value) {
    case Value::kWords:
      return fmt::format(" -x -a '{}'", fmt::join(flag.words, " "));
    case Value::kKeys:
      return " -x -a \"$_pleat_keys\"";
    case Value::kFolder:
      return " -x -a '(__fish_complete_directories)'";
    case Value::kFile:
      return " -r -F";
    case Value::kNone:
      break;
  }
  return "";
}

std::string fish_script(const std::vector<Verb>& verbs) {
  std::string text = fmt::format(
      "# Completion for pleat. In ~/.config/fish/config.fish: pleat completion fish | source\n"
      "set -g _pleat_keys {}\n",
      fmt::join(config_keys(), " "));
  for (const Verb& verb : verbs) {
    text += fmt::format("complete -c pleat -n __fish_use_subcommand -f -a {} -d {}\n", verb.name,
                        fish_quoted(short_help(verb.help)));
    for (const Flag& flag : verb.flags) {
      std::string names;
      for (const std::string& name : flag.names)
        names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      text += fmt::format("complete -c pleat -n '__fish_seen_subcommand_from {}'{}{} -d {}\n", verb.name, names,
                          fish_values(flag), fish_quoted(short_help(flag.help)));
    }
    if (verb.positional.value == Value::kWords)
      text += fmt::format("complete -c pleat -n '__fish_seen_subcommand_from {}'{}\n", verb.name,
                          fish_values(verb.positional));
  }
  return text;
}

}  // namespace

CLI::App* add_completion(CLI::App& program, CompletionOptions& options) {
  CLI::App* verb =
      program.add_subcommand("completion", "Print a script that completes pleat's command line in a shell");
  verb->add_option("shell", options.shell, "shell to print the script for")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->required();
  verb->footer(
      "bash, in ~/.bashrc: source <(pleat completion bash)\nzsh, in ~/.zshrc: source <(pleat completion zsh)\n"
      "fish, in ~/.config/fish/config.fish: pleat completion fish | source");
  return verb;
}

std::string completion_script(const CLI::App& program, const std::string& shell) {
  const std::vector<Verb> verbs = verbs_of(program);
  if (shell == "fish") return fish_script(verbs);
  return shell == "zsh" ? zsh_script(verbs) : bash_script(verbs);
}

ExitCode completion_verb(const CLI::App& program, const CompletionOptions& options) {
  print_result(completion_script(program, options.shell));
  return ExitCode::kDone;
}

}  // namespace pleat
