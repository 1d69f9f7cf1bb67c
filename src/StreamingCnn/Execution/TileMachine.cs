using StreamingCnn.Planning.Programs;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>Runs tiles' programs with tensors.</summary>
/// <param name="run">What the tiles of a run share.</param>
internal sealed class TileMachine(RunContext run)
{
    private readonly TileForward forward = new(run);
    private readonly TileBackward backward = new(run);

    /// <summary>Runs a tile.</summary>
    /// <param name="program">What tiles of its kind do.</param>
    /// <param name="tile">The tile's row and column.</param>
    /// <param name="tape">What is kept of the tile.</param>
    public void Run(TileProgram program, (int Row, int Column) tile, TileTape tape)
    {
        forward.Begin(tile, tape);
        backward.Begin(tile, tape);
        try
        {
            foreach (var instruction in program.Instructions)
            {
                using (NewDisposeScope())
                {
                    if (instruction is ForwardInstruction step)
                        forward.Step(step);
                    else
                        backward.Step((BackwardInstruction)instruction);
                }

                run.Settings.Observer?.Done(tile, instruction, tape, forward.Held.Concat(backward.Held));
            }
        }
        finally
        {
            forward.Release();
            backward.Release();
        }
    }
}
