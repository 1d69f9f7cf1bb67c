using System.CommandLine;
using StreamingCnn.Experiments.Curves;
using StreamingCnn.Experiments.Needles;
using StreamingCnn.Experiments.Resolution;

// The experiments of docs/experiments.md, each one command.
var root = new RootCommand("Experiments with real images; docs/experiments.md says what came out.") { CompareCommand.Create(), CurvesCommand.Create(), NeedlesCommand.Create(), ResolutionCommand.Create(), RetouchCommand.Create() };
return root.Parse(args).Invoke();
