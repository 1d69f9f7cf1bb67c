namespace StreamingCnn.Imaging;

/// <summary>What becomes of pixels whose value says that nothing was measured there.</summary>
public enum NoDataHandling
{
    /// <summary>They are filled with a number that is given for each channel.</summary>
    Fill,

    /// <summary>They are values like any other.</summary>
    Keep,
}
