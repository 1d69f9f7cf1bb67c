namespace StreamingCnn.Onnx.Import;

/// <summary>One thing that is done while an imported network is traced.</summary>
/// <param name="Operands">The slots that it reads.</param>
/// <param name="Result">The slot that it fills.</param>
/// <param name="Apply">Describes the computation.</param>
internal sealed record Step(int[] Operands, int Result, Func<NetworkValue[], NetworkValue> Apply);

/// <summary>The steps that lead from the image to some values.</summary>
internal sealed class ImportedProgram
{
    private readonly Step[] steps;
    private readonly int[] outputs;
    private readonly int slots;

    /// <param name="steps">The steps in their order; those that no output hangs on are left out.</param>
    /// <param name="slots">How many slots there are. The image stands in the first.</param>
    /// <param name="outputs">The slots that are wanted.</param>
    public ImportedProgram(IReadOnlyList<Step> steps, int slots, IReadOnlyList<int> outputs)
    {
        var needed = new bool[slots];
        foreach (var output in outputs)
            needed[output] = true;
        foreach (var step in steps.Reverse().Where(step => needed[step.Result]))
        {
            foreach (var operand in step.Operands)
                needed[operand] = true;
        }

        this.steps = [.. steps.Where(step => needed[step.Result])];
        (this.slots, this.outputs) = (slots, [.. outputs]);
    }

    /// <summary>Describes the network.</summary>
    /// <param name="image">The image.</param>
    public NetworkValue[] Trace(FeatureMap image)
    {
        var values = new NetworkValue[slots];
        values[0] = image;
        foreach (var step in steps)
            values[step.Result] = step.Apply(Array.ConvertAll(step.Operands, operand => values[operand]));
        return Array.ConvertAll(outputs, output => values[output]);
    }
}
